use std::fmt;

use http::Method;
use rempart_guard::{Day, Enforcement, Problem, Problems, Reading, RouteClass, RoutePath, RoutePattern};

/// The route map of one tenant as it is enforced. Made of [`RoutesSettings`](crate::RoutesSettings).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutesPolicy {
    pub(crate) enforcement: Enforcement,
    pub(crate) report_until: Option<Day>,
    pub(crate) unmapped: Unmapped,
    pub(crate) personal_data: bool,
    /// The routes of each class, in the order of [`RouteClass::ALL`].
    pub(crate) map: [Vec<RoutePattern>; RouteClass::ALL.len()],
}

impl RoutesPolicy {
    /// Whether unmapped routes are refused, only reported, or routes not looked at.
    ///
    /// [`Off`](Enforcement::Off) also when there would be nothing to do: no map, and unmapped routes pass.
    #[must_use]
    pub fn enforcement(&self) -> Enforcement {
        match self.unmapped {
            Unmapped::Pass if self.is_empty() => Enforcement::Off,
            _ => self.enforcement,
        }
    }

    /// The last day on which the control is meant to be in `report`, when somebody has said one.
    #[must_use]
    pub const fn report_until(&self) -> Option<Day> {
        self.report_until
    }

    /// What a request gets whose route is in no class.
    #[must_use]
    pub const fn unmapped(&self) -> Unmapped {
        self.unmapped
    }

    /// Whether the application holds personal data.
    #[must_use]
    pub const fn personal_data(&self) -> bool {
        self.personal_data
    }

    /// Whether no route has a class.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.map.iter().all(Vec::is_empty)
    }

    /// The class of a request's route: the strictest that some reading of its path has.
    #[must_use]
    pub fn class(&self, method: &Method, path: &RoutePath<'_>) -> Option<RouteClass> {
        path.readings()
            .filter_map(|reading| self.class_of_reading(method, reading))
            .max()
    }

    /// Whether a request's route has a class however its path is read.
    #[must_use]
    pub fn is_mapped(&self, method: &Method, path: &RoutePath<'_>) -> bool {
        path.readings()
            .all(|reading| self.class_of_reading(method, reading).is_some())
    }

    /// The class of a route that is named elsewhere in the tenant's file, such as by a quota: the strictest that has some
    /// part of it.
    #[must_use]
    pub fn class_of_route(&self, route: &RoutePattern) -> Option<RouteClass> {
        self.strictest(|mapped| mapped.meets(route))
    }

    /// What a person should look at in the map of a tenant that holds personal data. Keys are those of the section.
    ///
    /// ```
    /// use rempart_records::{RoutesPolicy, RoutesSettings};
    ///
    /// let gaps = |personal_data| RoutesPolicy::new(RoutesSettings::default(), personal_data).unwrap().gaps();
    /// assert_eq!(gaps(true).iter().next().unwrap().code, "routes_no_map");
    /// assert!(gaps(false).is_empty());
    /// ```
    #[must_use]
    pub fn gaps(&self) -> Problems {
        let mut gaps = Problems::new();
        if self.personal_data {
            gaps.extend(self.gap_of_enforcement());
            gaps.extend(if self.is_empty() {
                Some(self.gap_of_map())
            } else {
                self.gap_of_unmapped()
            });
            gaps.extend(self.gaps_of_public());
        }
        gaps
    }

    /// The same for a route that is named elsewhere in the file, at `key`, when it belongs to no class.
    #[must_use]
    pub fn gap_of_route<K: Into<String>>(
        &self,
        key: impl IntoIterator<Item = K>,
        route: &RoutePattern,
    ) -> Option<Problem> {
        if !self.personal_data || self.is_empty() || self.class_of_route(route).is_some() {
            return None;
        }
        let then = match (self.unmapped, self.enforcement) {
            (Unmapped::Refuse, Enforcement::Enforce) => "requests to it are refused",
            _ => "no control that goes by the class sees requests to it",
        };
        let problem = Problem::new(
            key,
            "route_without_class",
            format!("`{route}` is in no class of [routes]: {then}"),
        );
        Some(problem.help("name it under [routes], in the class of what it does"))
    }

    fn class_of_reading(&self, method: &Method, path: Reading<'_>) -> Option<RouteClass> {
        self.strictest(|mapped| mapped.matches_reading(method, path))
    }

    /// The strictest class that has a route of which this holds.
    pub(crate) fn strictest(&self, takes: impl Fn(&RoutePattern) -> bool) -> Option<RouteClass> {
        let classes = RouteClass::ALL.into_iter().zip(&self.map).rev();
        classes
            .filter(|(_, routes)| routes.iter().any(&takes))
            .map(|(class, _)| class)
            .next()
    }

    fn gap_of_enforcement(&self) -> Option<Problem> {
        let message = "the tenant holds personal data, and no route has a class while this is off";
        let problem = Problem::new(["enforcement"], "routes_off", message).help("write \"report\" to begin with");
        (self.enforcement == Enforcement::Off).then_some(problem)
    }

    fn gap_of_map(&self) -> Problem {
        let then = match self.unmapped {
            Unmapped::Refuse => "every request is refused",
            Unmapped::Pass => "nothing says where the data is",
        };
        let message = format!("the tenant holds personal data and has no route map: {then}");
        Problem::new(Vec::<String>::new(), "routes_no_map", message)
            .help("name the application's routes under [routes], such as `record = [\"/files/{id}\"]`")
    }

    fn gap_of_unmapped(&self) -> Option<Problem> {
        let message = "the tenant holds personal data, and routes that nobody has named pass";
        let problem =
            Problem::new(["unmapped"], "routes_unmapped_pass", message).help("write \"refuse\", or leave it out");
        (self.unmapped == Unmapped::Pass).then_some(problem)
    }

    fn gaps_of_public(&self) -> impl Iterator<Item = Problem> {
        let everything: RoutePattern = "/*".parse().expect("`/*` is a route");
        let public = self.map[RouteClass::Public as usize].iter().enumerate();
        public
            .filter(move |(_, route)| **route == everything)
            .map(|(index, _)| {
                let message =
                    "the tenant holds personal data, and this names every route that nobody has named as public";
                Problem::new(
                    ["public".to_owned(), index.to_string()],
                    "routes_public_everything",
                    message,
                )
                .help("name the public routes one by one, such as \"/static/*\"")
            })
    }
}

/// What a request gets whose route is in no class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unmapped {
    /// A 404.
    Refuse,
    /// Whatever the application answers.
    Pass,
}

impl Unmapped {
    /// The word in the tenant's file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Pass => "pass",
        }
    }
}

impl fmt::Display for Unmapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
