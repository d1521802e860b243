use rempart_guard::{Day, Enforcement, Problem, Problems, RouteClass, RoutePattern};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{RoutesPolicy, Unmapped};

/// The route map of one tenant: what each route of its application is for.
///
/// A route is a path with an optional method before it, `{name}` for one segment and a last `*` for the rest, such as
/// `"POST /login"` or `"/files/{id}/*"`. How a request writes the path does not matter: `//Files/17;x=1` is `/files/17`.
/// A route that several classes name has the strictest, in the order in which they stand here.
///
/// ```toml
/// [routes]
/// public = ["/", "/centres/*", "/static/*"]
/// auth = ["/login"]
/// record = ["/files/{id}"]
/// export = ["/export.csv"]
/// admin = ["/admin/*"]
/// privilege = ["POST /admin/accounts"]
/// destructive = ["POST /files/{id}/delete"]
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoutesSettings {
    /// `enforce` refuses routes that are in no class, when they are to be refused; `report` tells which would have been;
    /// `off` does nothing, and then no route has a class.
    pub enforcement: Enforcement,
    /// Until when the control is meant to be in `report`: a day such as `"2026-12-31"`. It changes nothing by itself; when
    /// the day is over and the control still reports only, `rempart check` says so.
    #[schemars(with = "Option<Day>")]
    pub report_until: Option<String>,
    /// What a request gets whose route is in no class: `refuse`, a 404, or `pass`. Unless it is said, `refuse` for a tenant
    /// with `personal_data`, and `pass` for any other. Under `refuse` a page that was forgotten here is not found any more.
    #[schemars(extend("enum" = [Unmapped::Refuse.as_str(), Unmapped::Pass.as_str(), null]))]
    pub unmapped: Option<String>,
    /// Routes that hold nobody's data: the catalogue, pictures, the opening hours.
    #[schemars(with = "Vec<RoutePattern>")]
    pub public: Vec<String>,
    /// Routes where somebody proves who they are: the login, a new password.
    #[schemars(with = "Vec<RoutePattern>")]
    pub auth: Vec<String>,
    /// Routes that show or take the data of one person, or of a few.
    #[schemars(with = "Vec<RoutePattern>")]
    pub record: Vec<String>,
    /// Routes that hand out the data of many at once.
    #[schemars(with = "Vec<RoutePattern>")]
    pub export: Vec<String>,
    /// The application's own administration.
    #[schemars(with = "Vec<RoutePattern>")]
    pub admin: Vec<String>,
    /// Routes that create an account or raise what one may do.
    #[schemars(with = "Vec<RoutePattern>")]
    pub privilege: Vec<String>,
    /// Routes that delete what cannot be had back.
    #[schemars(with = "Vec<RoutePattern>")]
    pub destructive: Vec<String>,
}

impl RoutesSettings {
    fn of(&self, class: RouteClass) -> &[String] {
        match class {
            RouteClass::Public => &self.public,
            RouteClass::Auth => &self.auth,
            RouteClass::Record => &self.record,
            RouteClass::Export => &self.export,
            RouteClass::Admin => &self.admin,
            RouteClass::Privilege => &self.privilege,
            RouteClass::Destructive => &self.destructive,
        }
    }
}

impl RoutesPolicy {
    /// The settings, for a tenant that holds personal data or does not.
    ///
    /// # Errors
    ///
    /// All that is wrong with the settings, at once.
    pub fn new(settings: RoutesSettings, personal_data: bool) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let report_until = problems.take(Day::report_until(settings.report_until.as_deref()));
        let unmapped = problems.take(read_unmapped(settings.unmapped.as_deref(), personal_data));
        let map = RouteClass::ALL.map(|class| {
            let written = settings.of(class).iter().enumerate();
            let routes = written.filter_map(|(index, route)| problems.take(read_route(class, index, route)));
            routes.collect()
        });
        problems.none_or(|| {
            Some(Self {
                enforcement: settings.enforcement,
                report_until: report_until?,
                unmapped: unmapped?,
                personal_data,
                map,
            })
        })
    }
}

fn read_unmapped(written: Option<&str>, personal_data: bool) -> Result<Unmapped, Problem> {
    match written {
        None if personal_data => Ok(Unmapped::Refuse),
        None => Ok(Unmapped::Pass),
        Some(word) => [Unmapped::Refuse, Unmapped::Pass]
            .into_iter()
            .find(|unmapped| unmapped.as_str() == word)
            .ok_or_else(|| {
                let message = format!("`{}` is not what a route can get", word.escape_debug());
                Problem::new(["unmapped"], "unmapped_unknown", message).help("write \"refuse\" or \"pass\"")
            }),
    }
}

fn read_route(class: RouteClass, index: usize, written: &str) -> Result<RoutePattern, Problem> {
    written.parse().map_err(|error| {
        let message = format!("`{}`: {error}", written.escape_debug());
        Problem::new([class.as_str(), &index.to_string()], "route_invalid", message)
            .help("write a path such as \"/login\" or \"POST /api/*\"")
    })
}
