//! How the sites fail: honest refusals, and error pages that show what only the operator should see.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::json;

use crate::text::escape;

/// Why a request is not answered with what it asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// 500 with the stack trace of that vendor's platform: the flaw "error pages with stack traces".
    Trace(Vendor, String),
    /// 302 to the login page at that path.
    Login(&'static str),
    /// A bare page with that status.
    Page(StatusCode),
    /// `{"error": code}` with that status.
    Json(StatusCode, &'static str),
}

impl Failure {
    pub(crate) const MISSING: Self = Self::Page(StatusCode::NOT_FOUND);
    pub(crate) const FORBIDDEN: Self = Self::Page(StatusCode::FORBIDDEN);
    pub(crate) const NO_RECORD: Self = Self::Json(StatusCode::NOT_FOUND, "not_found");
    pub(crate) const NO_LOGIN: Self = Self::Json(StatusCode::UNAUTHORIZED, "login_required");
    pub(crate) const NO_RIGHT: Self = Self::Json(StatusCode::FORBIDDEN, "forbidden");

    /// What an input/output or database error looks like to the visitor: everything it says.
    pub(crate) fn storage(vendor: Vendor, error: &dyn std::fmt::Display) -> Self {
        Self::Trace(vendor, error.to_string())
    }
}

/// Whose platform an error page gives away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vendor {
    Php,
    Java,
    AspNet,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Trace(vendor, input) => {
                (StatusCode::INTERNAL_SERVER_ERROR, Html(trace(vendor, &escape(&input)))).into_response()
            }
            Self::Login(path) => Redirect::to(path).into_response(),
            Self::Page(status) => (status, Html(plain(status))).into_response(),
            Self::Json(status, code) => (status, Json(json!({ "error": code }))).into_response(),
        }
    }
}

fn plain(status: StatusCode) -> String {
    let (fr, en) = match status {
        StatusCode::NOT_FOUND => ("Cette page n’existe pas.", "There is no such page."),
        StatusCode::FORBIDDEN => ("Cette page ne vous est pas ouverte.", "This page is not open to you."),
        StatusCode::PAYLOAD_TOO_LARGE => ("Le fichier est trop gros.", "The file is too large."),
        _ => ("La demande est incomplète.", "The request is incomplete."),
    };
    format!(
        "<!doctype html><html lang=\"fr\"><meta charset=\"utf-8\"><title>{status}</title>\
         <style>body{{font:17px/1.6 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1.5rem;color:#333}}\
         a{{color:inherit}}small{{color:#777}}</style><h1>{}</h1><p>{fr}<br><small lang=\"en\">{en}</small></p>\
         <p><a href=\"/\">Accueil · Home</a></p></html>",
        status.as_u16()
    )
}

fn trace(vendor: Vendor, input: &str) -> String {
    let (title, body) = match vendor {
        Vendor::Php => ("Fatal error", PHP),
        Vendor::Java => ("Apache Tomcat/7.0.52 - Error report", JAVA),
        Vendor::AspNet => ("Server Error in '/' Application.", ASP_NET),
    };
    let css = "body{font-family:Verdana,Arial,sans-serif;font-size:13px;margin:2em}h1{font-size:22px;color:#900}\
               pre{background:#ffc;padding:1em;overflow:auto}";
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><title>{title}</title><style>{css}</style></head>\
         <body><h1>{title}</h1><pre>{}</pre></body></html>",
        body.replace("{input}", input)
    )
}

const PHP: &str = "Warning: mysqli_query(): (42000/1064): You have an error in your SQL syntax near '{input}' at line 1 \
in /var/www/clients/biblio-rivieres/includes/db.class.php on line 214

Fatal error: Uncaught exception 'DbException' with message 'query failed on sql-prd-02.vendor.internal:3306 (user biblio_rw)'
Stack trace:
#0 /var/www/clients/biblio-rivieres/includes/db.class.php(214): Db->fail('SELECT * FROM n...')
#1 /var/www/clients/biblio-rivieres/modules/notice.php(57): Db->query('SELECT * FROM n...')
#2 /var/www/clients/biblio-rivieres/index.php(31): require_once('/var/www/client...')
#3 {main}
  thrown in /var/www/clients/biblio-rivieres/includes/db.class.php on line 214";

const JAVA: &str = "HTTP Status 500 - For input string: \"{input}\"

java.lang.NumberFormatException: For input string: \"{input}\"
\tat java.lang.NumberFormatException.forInputString(NumberFormatException.java:65)
\tat java.lang.Integer.parseInt(Integer.java:492)
\tat internal.vendor.portail.permis.PermisServlet.doGet(PermisServlet.java:118)
\tat javax.servlet.http.HttpServlet.service(HttpServlet.java:620)
\tat org.apache.catalina.core.ApplicationFilterChain.doFilter(ApplicationFilterChain.java:208)
Caused by: java.sql.SQLRecoverableException: jdbc:oracle:thin:@ora-prd-01.vendor.internal:1521:VILLES
\tat internal.vendor.commun.Jndi.lookup(/opt/tomcat7/webapps/villes/WEB-INF/classes/commun/Jndi.java:77)

Apache Tomcat/7.0.52";

const ASP_NET: &str = "Input string was not in a correct format. Value: \"{input}\"

[FormatException: Input string was not in a correct format.]
   System.Number.StringToNumber(String str, NumberStyles options) +14390548
   System.Int32.Parse(String s) +23
   PlaceAuxPetits.Dossier.Page_Load(Object sender, EventArgs e) in D:\\Sites\\PlaceAuxPetits\\Dossier.aspx.cs:91
   System.Web.UI.Control.LoadRecursive() +71

Data Source=sql-prd-03.vendor.internal\\DOSSIERS;Initial Catalog=PlaceAuxPetits;User ID=app_pap
Version Information: Microsoft .NET Framework Version:4.0.30319; ASP.NET Version:4.0.30319.17929";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trace_names_an_internal_host_and_cannot_carry_a_tag() {
        for vendor in [Vendor::Php, Vendor::Java, Vendor::AspNet] {
            let page = trace(vendor, &escape("<script>"));
            assert!(page.contains("vendor.internal"));
            assert!(!page.contains("<script>"));
        }
    }
}
