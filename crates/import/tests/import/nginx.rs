use rempart_import::{Fate, Import, nginx};

use crate::{SITES, draft, hosts, left, left_lines, line_of};

fn import(text: &str) -> Import {
    nginx::import(text, "a.conf").unwrap()
}

/// A site with more lines: they begin on line 4, in `location /` of their own on line 6.
fn site(server: &str, location: &str) -> Import {
    import(&format!(
        "server {{\nlisten 443 ssl;\nserver_name museum.example;\n{server}\nlocation / {{\n{location}\nproxy_pass http://127.0.0.1:81;\n}}\n}}\n"
    ))
}

#[test]
fn a_real_list_becomes_a_tenant_for_each_site() {
    let import = import(SITES);
    let names: Vec<_> = import.drafts.iter().map(|draft| draft.id.as_str()).collect();
    assert_eq!(names, ["museum", "archive", "school", "intranet"]);
    let museum = draft(&import, "museum");
    assert_eq!(
        hosts(museum),
        ["museum.localhost", "www.museum.localhost", "museum-old.localhost"]
    );
    assert_eq!(museum.upstream.as_deref(), Some("http://127.0.0.1:8081"));
    assert_eq!(museum.connect_timeout.as_deref(), Some("5s"));
    assert_eq!(museum.response_timeout.as_deref(), Some("90s"));
    let quotas: Vec<_> = museum
        .quotas
        .iter()
        .map(|quota| (quota.name.as_str(), quota.rate.as_str()))
        .collect();
    assert_eq!(quotas, [("client", "10/s burst 21"), ("login", "5/m burst 6")]);
    assert_eq!(museum.quotas[1].routes, ["/login"]);
    let certificate = museum.certificate.as_ref().unwrap();
    assert_eq!(
        certificate.certificate,
        "/etc/letsencrypt/live/museum.localhost/fullchain.pem"
    );
    assert_eq!(museum.hsts.as_ref().unwrap().max_age, "730d");
    assert_eq!(museum.frame_ancestors.as_deref(), Some(&["'self'".to_owned()][..]));

    let archive = draft(&import, "archive");
    assert_eq!(
        (archive.upstream.as_deref(), archive.likely_preset),
        (None, Some("php"))
    );
    let school = draft(&import, "school");
    assert_eq!(hosts(school), ["school.localhost", "school.test", "*.school.test"]);
    assert_eq!(school.upstream.as_deref(), Some("http://127.0.0.1:8090"));
    assert_eq!(school.same_site.as_deref(), Some("strict"));
    assert_eq!(hosts(draft(&import, "intranet")), ["intranet.localhost"]);
}

#[test]
fn a_real_list_says_line_by_line_what_was_left() {
    let import = import(SITES);
    let words = [
        "client_max_body_size",
        "gzip on",
        "zone=keys:10m",
        "map $http_upgrade",
        "backup",
        "Permissions-Policy",
        "X-Real-IP",
        "limit_req zone=keys;",
        "127.0.0.1:9000/",
        "alias",
        "expires",
        "deny all",
        "root /srv/archive",
        "index index.php",
        "auth_basic \"Staff",
        "auth_basic_user_file",
        "try_files",
        "snippets/fastcgi-php.conf",
        "fastcgi_pass",
        "~^(?<club>",
        "rewrite ^/old",
        "Content-Security-Policy",
        "https://museum.localhost$request_uri",
        "server_name school.localhost intranet",
    ];
    // Two certificates of one tenant: that of the old name goes.
    let mut lines: Vec<_> = words.iter().map(|words| line_of(SITES, words)).collect();
    lines.extend(
        ["museum-old.localhost/fullchain.pem", "museum-old.localhost/privkey.pem"].map(|words| line_of(SITES, words)),
    );
    lines.sort_unstable();
    assert_eq!(left_lines(&import), lines);
}

#[test]
fn access_rules_are_noted_in_the_draft_itself() {
    let import = import(SITES);
    let notes = draft(&import, "archive").notes.join("\n");
    assert!(
        notes.contains("auth_basic \"Staff only\"") && notes.contains("NOT carried over"),
        "{notes}"
    );
    assert!(
        notes.contains("fastcgi") && notes.contains("to be filled in"),
        "{notes}"
    );
    let notes = draft(&import, "museum").notes.join("\n");
    assert!(notes.contains("`deny all` for ~ /\\.ht"), "{notes}");
    let everywhere = nginx::import(
        "auth_basic x;\nserver { server_name a.example; location / { proxy_pass http://127.0.0.1:81; } }",
        "a",
    );
    assert_eq!(everywhere.unwrap().drafts[0].notes.len(), 1);
}

#[test]
fn names_are_hosts_or_are_left() {
    let import = import("server { server_name a.example *.b.example .c.example; proxy_pass http://127.0.0.1:81; }");
    assert_eq!(
        hosts(&import.drafts[0]),
        ["a.example", "*.b.example", "c.example", "*.c.example"]
    );
    for (name, why) in [
        ("~^www\\d+\\.example$", "regular expression"),
        ("www.example.*", "`*` can only be"),
        ("$hostname", "not known"),
        ("192.0.2.1", "address"),
        ("müseum.example", "xn--"),
    ] {
        let import = nginx::import(
            &format!("server {{\nserver_name a.example {name};\nproxy_pass http://127.0.0.1:81; }}"),
            "a",
        )
        .unwrap();
        assert_eq!(hosts(&import.drafts[0]), ["a.example"], "{name}");
        assert!(left(&import, 2).contains(why), "{name}: {}", left(&import, 2));
    }
}

#[test]
fn a_server_without_a_name_is_drafted_with_hosts_to_fill_in() {
    let import = import("server { listen 443 ssl; location / { proxy_pass http://127.0.0.1:81; } }");
    assert_eq!(import.drafts[0].id.as_str(), "site");
    assert!(import.drafts[0].to_toml().contains("# FILL IN: hosts"));
}

#[test]
fn addresses_are_resolved_as_nginx_does() {
    for (server, pass, url) in [
        ("", "http://127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("", "http://app.internal/", "http://app.internal"),
        ("", "http://127.0.0.1:8081$request_uri", "http://127.0.0.1:8081"),
        ("set $app http://127.0.0.1:8081;", "$app", "http://127.0.0.1:8081"),
        (
            "set $host_of_app 10.0.0.1; set $port 90;",
            "http://$host_of_app:${port}",
            "http://10.0.0.1:90",
        ),
    ] {
        let import = import(&format!(
            "server {{ server_name a.example; {server} location / {{ proxy_pass {pass}; }} }}"
        ));
        assert_eq!(import.drafts[0].upstream.as_deref(), Some(url), "{pass}");
        assert_eq!(import.left().count(), 0, "{pass}: {:#?}", import.entries);
    }
    for (pass, why) in [
        ("https://10.0.0.1", "https://"),
        ("http://unix:/run/app.sock", "Unix socket"),
        ("http://127.0.0.1:81/app/", "path"),
        ("http://$backend", "computed"),
        ("http://user:secret@app", "password"),
    ] {
        let import = import(&format!(
            "server {{ server_name a.example; location / {{\nproxy_pass {pass}; }} }}"
        ));
        assert_eq!(import.drafts[0].upstream, None, "{pass}");
        assert!(left(&import, 2).contains(why), "{pass}: {}", left(&import, 2));
    }
}

#[test]
fn a_variable_that_has_two_values_is_no_address() {
    let text = "server { server_name a.example;\nset $app http://127.0.0.1:81;\nset $app http://127.0.0.1:82;\nlocation / {\nproxy_pass $app; } }";
    let import = import(text);
    assert_eq!(import.drafts[0].upstream, None);
    assert_eq!(left_lines(&import), [2, 3, 5]);
}

#[test]
fn the_application_of_all_paths_is_the_tenants() {
    let text = "server { server_name a.example;\nlocation /api { proxy_pass http://127.0.0.1:82; }\nlocation / { proxy_pass http://127.0.0.1:81; }\n}";
    let import = import(text);
    assert_eq!(import.drafts[0].upstream.as_deref(), Some("http://127.0.0.1:81"));
    assert!(left(&import, 2).contains("127.0.0.1:81"));
    let files_first = "server { server_name a.example; location / { try_files $uri @app; }\nlocation @app { proxy_pass http://127.0.0.1:81; } }";
    let import = nginx::import(files_first, "a").unwrap();
    assert_eq!(import.drafts[0].upstream.as_deref(), Some("http://127.0.0.1:81"));
    let two = "server { server_name a.example;\nlocation /a { proxy_pass http://127.0.0.1:81; }\nlocation /b { proxy_pass http://127.0.0.1:82; } }";
    let import = nginx::import(two, "a").unwrap();
    assert_eq!(import.drafts[0].upstream, None);
    assert_eq!(left_lines(&import), [2, 3]);
}

#[test]
fn an_upstream_is_its_first_server_and_the_others_are_left() {
    let text = "upstream app {\nleast_conn;\nserver 10.0.0.1:81 down;\nserver 10.0.0.2:81;\nserver 10.0.0.3:81;\n}\nupstream unused {\nserver 10.0.0.9;\n}\nserver { server_name a.example; location / { proxy_pass http://app; } }";
    let import = import(text);
    assert_eq!(import.drafts[0].upstream.as_deref(), Some("http://10.0.0.2:81"));
    assert_eq!(left_lines(&import), [2, 3, 5, 7]);
}

#[test]
fn times_are_carried_within_bounds() {
    let carried = site("proxy_read_timeout 2m;", "proxy_connect_timeout 1500ms;");
    let draft = &carried.drafts[0];
    assert_eq!(
        (draft.connect_timeout.as_deref(), draft.response_timeout.as_deref()),
        (Some("1500ms"), Some("120s"))
    );
    assert!(left(&site("proxy_connect_timeout 1h;", ""), 4).contains("5m"));
    assert!(left(&site("proxy_read_timeout soon;", ""), 4).contains("no time"));
}

#[test]
fn what_is_further_in_goes_before() {
    let text = "proxy_read_timeout 10s;\nserver {\nserver_name a.example;\nproxy_read_timeout 20s;\nlocation / {\nproxy_read_timeout 30s;\nproxy_pass http://127.0.0.1:81;\n}\n}\nserver { server_name b.example; location / { proxy_pass http://127.0.0.1:82; } }";
    let import = import(text);
    assert_eq!(draft(&import, "a").response_timeout.as_deref(), Some("30s"));
    assert_eq!(draft(&import, "b").response_timeout.as_deref(), Some("10s"));
    assert_eq!(import.left().count(), 0, "{:#?}", import.entries);
}

#[test]
fn what_held_for_some_paths_is_not_made_to_hold_for_all() {
    let text = "server { server_name a.example; location / { proxy_pass http://127.0.0.1:81; }\nlocation /slow {\nproxy_read_timeout 1h;\nadd_header X-Frame-Options DENY;\n} }";
    let import = import(text);
    assert_eq!(
        (
            import.drafts[0].response_timeout.as_ref(),
            import.drafts[0].frame_ancestors.as_ref()
        ),
        (None, None)
    );
    assert_eq!(left_lines(&import), [3, 4]);
}

#[test]
fn limits_are_quotas_of_their_locations() {
    let zone = "limit_req_zone $binary_remote_addr zone=z:1m rate=30r/m;";
    let limited = |location: &str, limit: &str| {
        let text = format!(
            "{zone}\nserver {{ server_name a.example;\nlocation {location} {{\n{limit}\nproxy_pass http://127.0.0.1:81; }} }}"
        );
        nginx::import(&text, "a").unwrap()
    };
    for (location, routes) in [
        ("/", vec![]),
        ("= /login", vec!["/login"]),
        ("/api/", vec!["/api/*"]),
        ("^~ /x", vec!["/x/*"]),
        ("=/y", vec!["/y"]),
    ] {
        let import = limited(location, "limit_req zone=z burst=4;");
        let quota = &import.drafts[0].quotas[0];
        assert_eq!(
            (quota.rate.as_str(), &quota.routes),
            (
                "30/m burst 5",
                &routes.iter().map(|route| (*route).to_owned()).collect()
            ),
            "{location}"
        );
        assert_eq!(quota.name, if routes.is_empty() { "client" } else { "z" });
    }
    assert_eq!(
        limited("/", "limit_req zone=z;").drafts[0].quotas[0].rate,
        "30/m burst 1"
    );
    assert!(left(&limited("~ \\.php$", "limit_req zone=z;"), 4).contains("no path"));
    assert!(left(&limited("/", "limit_req zone=other;"), 4).contains("no limit_req_zone `other`"));
    assert!(left(&limited("/", "limit_req zone=z burst=many;"), 4).contains("no number"));
}

#[test]
fn zones_that_a_quota_cannot_be_are_left() {
    for (zone, why) in [
        ("$http_authorization zone=z:1m rate=1r/s", "counts by"),
        ("$binary_remote_addr zone=z:1m rate=0r/s", "no rate"),
        ("$binary_remote_addr zone=z:1m rate=10", "no rate"),
        ("$binary_remote_addr zone=z:1m rate=2000000r/s", "million"),
    ] {
        let text = format!(
            "limit_req_zone {zone};\nserver {{ server_name a.example;\nlimit_req zone=z;\nproxy_pass http://127.0.0.1:81; }}"
        );
        let import = import(&text);
        assert_eq!(import.drafts[0].quotas, [], "{zone}");
        assert!(
            left(&import, 1).contains(why) && left(&import, 3).contains(why),
            "{zone}"
        );
    }
}

#[test]
fn a_zone_of_several_locations_is_one_quota() {
    let text = "limit_req_zone $binary_remote_addr zone=z:1m rate=1r/s;\nserver { server_name a.example;\nlocation /a { limit_req zone=z; }\nlocation = /b { limit_req zone=z; }\nlocation / { proxy_pass http://127.0.0.1:81; } }";
    let import = import(text);
    assert_eq!(import.drafts[0].quotas.len(), 1);
    assert_eq!(import.drafts[0].quotas[0].routes, ["/a/*", "/b"]);
}

#[test]
fn redirects_to_https_are_what_the_edge_does() {
    let secure = "server { listen 443 ssl; server_name museum.example; proxy_pass http://127.0.0.1:81; }\n";
    for redirect in [
        "return 301 https://$host$request_uri;",
        "return 308 https://$server_name$request_uri;",
        "return 301 https://museum.example$request_uri;",
        "rewrite ^ https://$host$request_uri? permanent;",
        "rewrite ^/(.*)$ https://$host/$1 permanent;",
        "location / { return 301 https://$host$request_uri; }",
        "if ($host = museum.example) { return 301 https://$host$request_uri; } return 404;",
    ] {
        let import = import(&format!(
            "{secure}server {{ listen 80; server_name museum.example; {redirect} }}"
        ));
        assert_eq!(import.drafts.len(), 1, "{redirect}");
        assert_eq!(import.left().count(), 0, "{redirect}: {:#?}", import.entries);
    }
    for redirect in [
        "return 301 https://elsewhere.example/;",
        "return 302 /new;",
        "rewrite ^/a /b last;",
        "return 200 ok;",
    ] {
        let import = import(&format!(
            "{secure}server {{ listen 443 ssl; server_name museum.example;\n{redirect}\nlocation / {{ proxy_pass http://127.0.0.1:81; }} }}"
        ));
        assert_eq!(left_lines(&import), [3], "{redirect}");
    }
}

#[test]
fn a_host_of_two_sites_is_the_firsts() {
    let text = "server { server_name a.example both.example; proxy_pass http://127.0.0.1:81; }\nserver {\nserver_name both.example b.example;\nproxy_pass http://127.0.0.1:82; }";
    let import = import(text);
    assert_eq!(hosts(draft(&import, "a")), ["a.example", "both.example"]);
    assert_eq!(hosts(draft(&import, "b")), ["b.example"]);
    assert!(left(&import, 3).contains("`both.example` is a host of the site at a.conf:1 already"));
}

#[test]
fn two_blocks_of_one_site_are_one_tenant_and_https_goes_before() {
    let text = "server { listen 80; server_name a.example;\nproxy_read_timeout 10s;\nlocation / {\nproxy_pass http://127.0.0.1:81; } }\nserver { listen 443 ssl; server_name www.a.example a.example; proxy_read_timeout 20s; location / { proxy_pass http://127.0.0.1:82; } }";
    let import = import(text);
    assert_eq!(import.drafts.len(), 1);
    assert_eq!(import.drafts[0].upstream.as_deref(), Some("http://127.0.0.1:82"));
    assert_eq!(import.drafts[0].response_timeout.as_deref(), Some("20s"));
    assert_eq!(left_lines(&import), [2, 4]);
}

#[test]
fn a_redirect_for_everybodys_hosts_makes_no_tenant_of_them_all() {
    let text = "server { listen 80; server_name a.example b.example c.example; return 301 https://$host$request_uri; }\nserver { listen 443 ssl; server_name a.example; proxy_pass http://127.0.0.1:81; }\nserver { listen 443 ssl; server_name b.example; proxy_pass http://127.0.0.1:82; }";
    let import = import(text);
    assert_eq!(import.drafts.len(), 2);
    assert_eq!(
        (hosts(draft(&import, "a")), hosts(draft(&import, "b"))),
        (vec!["a.example".into()], vec!["b.example".into()])
    );
    assert!(left(&import, 1).contains("nothing serves `c.example`"));
}

#[test]
fn every_directive_that_the_edge_has_no_key_for_is_left_with_the_reason() {
    for (directive, why) in [
        ("client_max_body_size 1m;", "size"),
        ("gzip on;", "compress"),
        ("root /srv;", "files"),
        ("error_page 404 /404.html;", "pages"),
        ("sub_filter a b;", "rewrite pages"),
        ("proxy_cache zone;", "copies"),
        ("limit_conn zone 10;", "connections"),
        ("limit_req_status 503;", "429"),
        ("limit_req_dry_run on;", "dry run"),
        ("ssl_protocols TLSv1 TLSv1.2;", "nothing older"),
        ("ssl_stapling on;", "OCSP"),
        ("include conf.d/x.conf;", "not opened"),
        ("set_real_ip_from 10.0.0.0/8;", "all tenants"),
        ("real_ip_header X-Real-IP;", "all tenants"),
        ("allow 10.0.0.0/8;", "who"),
        ("deny all;", "who"),
        ("auth_request /auth;", "who"),
        ("ssl_verify_client on;", "who"),
        ("proxy_set_header X-Team blue;", "no headers"),
        ("proxy_set_header Host app.internal;", "as the client named it"),
        ("proxy_redirect http://a/ /;", "as the application sends"),
        ("proxy_pass_header Server;", "names software"),
        ("proxy_ssl_verify off;", "plain HTTP"),
        ("proxy_next_upstream error;", "one application"),
        ("proxy_cookie_flags session secure samesite=none;", "alike"),
        ("proxy_hide_header Set-Cookie;", "cannot do without"),
        ("add_header Cache-Control no-store;", "no headers"),
        ("add_header Strict-Transport-Security max-age=0;", "off"),
        ("listen 8443 ssl;", "all tenants"),
        ("listen 443 quic;", "HTTP/3"),
        ("listen 443 ssl proxy_protocol;", "PROXY"),
        ("listen unix:/run/a.sock;", "TCP"),
        ("ssl_certificate $ssl_server_name.pem;", "before there is a request"),
        ("ssl_certificate a.pem;", "without its key"),
        ("mirror /copy;", "computes nothing"),
        ("js_content main.hello;", "does not know"),
        ("if ($request_method = POST) { return 405; }", "computes nothing"),
        ("more_set_headers 'X: y';", "module"),
        ("access_by_lua_block { ngx.exit(403) }", "programs"),
    ] {
        let import = site(directive, "");
        assert!(left(&import, 4).contains(why), "{directive}: {}", left(&import, 4));
        assert_eq!(left_lines(&import), [4], "{directive}");
    }
}

#[test]
fn what_the_edge_does_anyway_is_understood() {
    for directive in [
        "server_tokens off;",
        "ssl_protocols TLSv1.2 TLSv1.3;",
        "http2 on;",
        "access_log off;",
        "keepalive_timeout 65;",
        "proxy_buffering off;",
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        "proxy_set_header Connection \"upgrade\";",
        "proxy_redirect off;",
        "proxy_hide_header X-Powered-By;",
        "proxy_cookie_flags ~ secure httponly samesite=lax;",
        "add_header X-Content-Type-Options nosniff;",
        "limit_req_status 429;",
        "include mime.types;",
        "allow all;",
        "listen [::]:443 ssl http2;",
    ] {
        let import = site(directive, "");
        assert_eq!(import.left().count(), 0, "{directive}: {:#?}", import.entries);
    }
}

#[test]
fn a_dump_of_all_files_is_read_with_each_files_own_lines() {
    let text = "# configuration file /etc/nginx/nginx.conf:\nhttp {\n  include sites-enabled/*;\n}\n\n# configuration file /etc/nginx/sites-enabled/b.conf:\nserver {\n  server_name b.example;\n  include snippets/proxy.conf;\n}\n\n# configuration file /etc/nginx/snippets/proxy.conf:\ngzip on;\nproxy_pass http://127.0.0.1:81;\n\n# configuration file /etc/nginx/sites-enabled/c.conf:\nserver { server_name c.example; include snippets/proxy.conf; }\n";
    let import = import(text);
    assert_eq!(import.drafts.len(), 2);
    assert_eq!(draft(&import, "c").upstream.as_deref(), Some("http://127.0.0.1:81"));
    let left: Vec<_> = import.left().map(ToString::to_string).collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(
        left[0].starts_with("/etc/nginx/snippets/proxy.conf:1: not carried over: gzip on: "),
        "{left:?}"
    );
}

#[test]
fn what_does_not_parse_is_refused_with_file_line_and_column() {
    let error = nginx::import("server {\n  listen 80\n}\n", "sites.conf")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("sites.conf:3:1: error: a `}` in the middle of `listen`"),
        "{error}"
    );
    assert!(error.contains("help: write the missing `;`"), "{error}");
    for (text, why) in [
        ("a\0;", "NUL"),
        ("server { 'a", "not closed"),
        ("server {", "not closed"),
    ] {
        assert!(
            nginx::import(text, "a").unwrap_err().to_string().contains(why),
            "{text}"
        );
    }
    let large = " ".repeat(16 * 1024 * 1024 + 1);
    assert!(nginx::import(&large, "a").unwrap_err().to_string().contains("16 MiB"));
}

#[test]
fn nothing_is_an_import_of_nothing() {
    for text in ["", "# only a comment\n", "events { }\n"] {
        let import = import(text);
        assert!(import.drafts.is_empty() && import.left().count() == 0);
    }
}

#[test]
fn a_thousand_sites_are_a_thousand_tenants() {
    let site = |number: usize| {
        format!(
            "server {{ listen 80; server_name c{number}.example www.c{number}.example; return 301 https://$host$request_uri; }}\nserver {{ listen 443 ssl; server_name c{number}.example www.c{number}.example; location / {{ proxy_pass http://127.0.0.1:{}; }} }}\n",
            10_000 + number
        )
    };
    let text: String = (0..1_000).map(site).collect();
    let import = import(&text);
    assert_eq!((import.drafts.len(), import.left().count()), (1_000, 0));
    assert!(import.drafts.iter().all(|draft| draft.hosts.len() == 2));
    assert!(import.entries.iter().any(|entry| entry.fate == Fate::Carried));
}

#[test]
fn half_a_certificate_that_two_parts_of_a_site_name_is_carried_by_neither() {
    let part = "server {\nserver_name a.example;\nssl_certificate /b.pem;\n}\n";
    let import = rempart_import::nginx::import(&part.repeat(2), "a.conf").unwrap();
    let left: Vec<String> = import.left().map(ToString::to_string).collect();
    for line in [3, 7] {
        let named = |left: &&String| left.starts_with(&format!("a.conf:{line}: not carried over: ssl_certificate"));
        assert_eq!(left.iter().filter(named).count(), 1, "{left:?}");
    }
    assert_eq!(import.drafts[0].certificate, None);
}
