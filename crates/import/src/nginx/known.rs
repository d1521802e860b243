//! Directives with one answer wherever they stand: what the edge does anyway, and what it never does.

use super::directive::Directive;

/// The answer for a directive that is never carried.
pub(crate) enum Answer {
    /// The edge does it anyway, or has no need of it.
    Understood(&'static str),
    /// It is left: why, and what to do instead.
    Left(&'static str, Option<&'static str>),
    /// It is left, and says who gets in: the draft warns of it.
    Access,
}

/// What is known of a directive; `None` for one that nobody here has heard of.
pub(crate) fn answer(directive: &Directive) -> Option<Answer> {
    let name = directive.name.as_str();
    access(directive)
        .or_else(|| process(name))
        .or_else(|| transport(directive))
        .or_else(|| answers(name))
        .or_else(|| logic(directive))
}

/// Who gets in.
fn access(directive: &Directive) -> Option<Answer> {
    let (name, word) = (directive.name.as_str(), directive.word(0));
    Some(match name {
        "allow" if word == "all" => Answer::Understood("it lets everybody in"),
        "auth_basic" | "auth_request" if word == "off" => Answer::Understood("it asks for nothing"),
        "ssl_verify_client" if word == "off" => Answer::Understood("it asks for nothing"),
        "allow" | "deny" | "auth_basic" | "auth_request" | "auth_jwt" | "limit_except" | "internal" | "secure_link"
        | "secure_link_md5" | "secure_link_secret" | "valid_referers" | "ssl_verify_client" => Answer::Access,
        "satisfy"
        | "auth_basic_user_file"
        | "auth_request_set"
        | "auth_jwt_key_file"
        | "ssl_client_certificate"
        | "ssl_crl"
        | "ssl_trusted_certificate"
        | "ssl_verify_depth" => Answer::Left("the edge does not ask who somebody is", None),
        _ => return None,
    })
}

/// How nginx itself runs.
fn process(name: &str) -> Option<Answer> {
    Some(match name {
        "worker_processes"
        | "worker_connections"
        | "worker_rlimit_nofile"
        | "worker_cpu_affinity"
        | "worker_priority"
        | "events"
        | "multi_accept"
        | "use"
        | "accept_mutex"
        | "thread_pool"
        | "aio"
        | "directio"
        | "sendfile"
        | "sendfile_max_chunk"
        | "tcp_nopush"
        | "tcp_nodelay"
        | "output_buffers"
        | "postpone_output"
        | "pcre_jit"
        | "reset_timedout_connection"
        | "lingering_close"
        | "lingering_time"
        | "lingering_timeout" => {
            Answer::Understood("how nginx runs; the edge's threads are [listen] workers of rempart.toml")
        }
        "user" | "pid" | "daemon" | "master_process" | "env" | "lock_file" | "working_directory" => {
            Answer::Understood("how nginx is started; the edge's service unit says that")
        }
        "types"
        | "default_type"
        | "types_hash_max_size"
        | "types_hash_bucket_size"
        | "server_names_hash_max_size"
        | "server_names_hash_bucket_size"
        | "variables_hash_max_size"
        | "variables_hash_bucket_size"
        | "map_hash_bucket_size"
        | "map_hash_max_size"
        | "proxy_headers_hash_max_size"
        | "proxy_headers_hash_bucket_size" => Answer::Understood("a table of nginx's own"),
        "access_log"
        | "log_format"
        | "log_not_found"
        | "log_subrequest"
        | "open_log_file_cache"
        | "error_log"
        | "rewrite_log"
        | "limit_req_log_level"
        | "limit_conn_log_level" => {
            Answer::Understood("the edge logs in its own way: --log, and one line for each refusal")
        }
        "resolver" | "resolver_timeout" => Answer::Understood("the edge asks the system's resolver"),
        "load_module" | "stream" | "mail" | "perl_modules" => {
            Answer::Left("the edge serves HTTP and has no modules", None)
        }
        _ => return None,
    })
}

/// How bytes come in and go on.
fn transport(directive: &Directive) -> Option<Answer> {
    let old = |word: &String| matches!(word.as_str(), "TLSv1" | "TLSv1.1" | "SSLv2" | "SSLv3");
    Some(match directive.name.as_str() {
        "ssl_protocols" if directive.words.iter().any(old) => Answer::Left(
            "the edge speaks TLS 1.2 and 1.3, and nothing older",
            Some("tell clients that cannot do that to update"),
        ),
        "ssl"
        | "ssl_protocols"
        | "ssl_ciphers"
        | "ssl_prefer_server_ciphers"
        | "ssl_session_cache"
        | "ssl_session_timeout"
        | "ssl_session_tickets"
        | "ssl_session_ticket_key"
        | "ssl_ecdh_curve"
        | "ssl_dhparam"
        | "ssl_conf_command"
        | "ssl_buffer_size"
        | "ssl_early_data"
        | "ssl_reject_handshake" => Answer::Understood("the edge has its own strict TLS: versions, ciphers, sessions"),
        "ssl_stapling" | "ssl_stapling_verify" | "ssl_stapling_file" | "ssl_stapling_responder" => {
            Answer::Left("the edge staples no OCSP answers", None)
        }
        "ssl_password_file" => Answer::Left("the edge reads keys without a password", Some("decrypt the key's file")),
        "http2"
        | "http2_push"
        | "http2_push_preload"
        | "http2_max_concurrent_streams"
        | "http2_idle_timeout"
        | "http2_recv_timeout"
        | "http2_max_requests"
        | "http2_chunk_size" => Answer::Understood("the edge always speaks HTTP/2, with limits of its own"),
        "http3" | "http3_hq" | "quic_retry" | "quic_gso" => Answer::Left("the edge speaks no HTTP/3", None),
        "keepalive_timeout"
        | "keepalive_requests"
        | "keepalive_time"
        | "keepalive_disable"
        | "client_header_timeout"
        | "client_body_timeout"
        | "send_timeout"
        | "proxy_send_timeout"
        | "proxy_socket_keepalive" => {
            Answer::Understood("the edge has deadlines of its own for idle and stalled connections")
        }
        "proxy_buffering"
        | "proxy_request_buffering"
        | "proxy_buffer_size"
        | "proxy_buffers"
        | "proxy_busy_buffers_size"
        | "proxy_max_temp_file_size"
        | "proxy_temp_path"
        | "proxy_temp_file_write_size"
        | "client_body_buffer_size"
        | "client_body_temp_path"
        | "client_body_in_file_only"
        | "client_header_buffer_size"
        | "connection_pool_size"
        | "request_pool_size"
        | "proxy_http_version"
        | "chunked_transfer_encoding" => {
            Answer::Understood("the edge passes bytes on as they come, over HTTP/1.1, within fixed buffers")
        }
        "large_client_header_buffers" => Answer::Understood("a request's head has at most 32 KiB at the edge"),
        "server_tokens" => Answer::Understood("the edge names no software, and removes the header that does"),
        "limit_req_status" if directive.word(0) == "429" => Answer::Understood("the edge always answers 429"),
        "limit_req_status" | "limit_conn_status" => Answer::Left("the edge always answers 429", None),
        "server_name_in_redirect" | "port_in_redirect" | "absolute_redirect" | "msie_padding" => {
            Answer::Understood("how nginx writes its own redirects")
        }
        _ => return None,
    })
}

/// What is answered.
fn answers(name: &str) -> Option<Answer> {
    const FILES: &str = "let the application serve them, or an nginx behind the edge on 127.0.0.1";
    const APPLICATION: &str = "let the application do it";
    Some(match name {
        "client_max_body_size" => Answer::Left(
            "the edge does not limit the size of a request",
            Some("let the application refuse what is too large"),
        ),
        "root"
        | "alias"
        | "index"
        | "try_files"
        | "autoindex"
        | "autoindex_exact_size"
        | "autoindex_localtime"
        | "open_file_cache"
        | "open_file_cache_valid"
        | "open_file_cache_min_uses"
        | "open_file_cache_errors"
        | "disable_symlinks"
        | "random_index"
        | "dav_methods"
        | "dav_access"
        | "create_full_put_path"
        | "mp4"
        | "flv" => Answer::Left("the edge serves no files", Some(FILES)),
        "expires" | "etag" | "if_modified_since" | "add_trailer" | "charset" | "source_charset"
        | "override_charset" => Answer::Left("the edge adds no headers of one's own", Some(APPLICATION)),
        "gzip" | "gzip_static" | "gzip_vary" | "gzip_types" | "gzip_proxied" | "gzip_comp_level"
        | "gzip_min_length" | "gzip_buffers" | "gzip_http_version" | "gzip_disable" | "gunzip" | "brotli"
        | "brotli_types" | "brotli_comp_level" | "brotli_static" => {
            Answer::Left("the edge does not compress", Some(APPLICATION))
        }
        "error_page" | "proxy_intercept_errors" | "recursive_error_pages" => {
            Answer::Left("the edge has its own pages, and passes the application's on", None)
        }
        "sub_filter"
        | "sub_filter_once"
        | "sub_filter_types"
        | "sub_filter_last_modified"
        | "addition_types"
        | "add_before_body"
        | "add_after_body"
        | "ssi"
        | "image_filter"
        | "xslt_stylesheet" => Answer::Left("the edge does not rewrite pages", Some(APPLICATION)),
        name if name.starts_with("proxy_cache") || name.starts_with("proxy_store") || name == "proxy_no_cache" => {
            Answer::Left(
                "the edge keeps no copies of answers",
                Some("let a cache stand between the edge and the application"),
            )
        }
        "limit_conn" | "limit_conn_zone" | "limit_conn_dry_run" => Answer::Left(
            "the edge counts a client's requests, not its connections",
            Some("write a [rate_limit.quotas.…] for the routes that are meant"),
        ),
        "limit_rate" | "limit_rate_after" => Answer::Left("the edge does not slow answers down", None),
        "limit_req_dry_run" => Answer::Left(
            "a dry run holds for all quotas of a tenant at the edge",
            Some("write [rate_limit] enforcement = \"report\""),
        ),
        _ => return None,
    })
}

/// What decides, computes and calls.
fn logic(directive: &Directive) -> Option<Answer> {
    let (name, word) = (directive.name.as_str(), directive.word(0));
    Some(match name {
        "rewrite"
        | "if"
        | "map"
        | "geo"
        | "geoip2"
        | "split_clients"
        | "set"
        | "break"
        | "return"
        | "mirror"
        | "mirror_request_body"
        | "rewrite_by_lua_block"
        | "merge_slashes"
        | "underscores_in_headers"
        | "ignore_invalid_headers"
        | "uninitialized_variable_warn" => Answer::Left(
            "the edge computes nothing from a request and forwards its path as it is",
            Some("let the application do it"),
        ),
        "include" if is_table(word) => Answer::Understood("a table of nginx's own"),
        "include" => Answer::Left(
            "included files are not opened",
            Some("import the output of `nginx -T`, which has them all in it"),
        ),
        "set_real_ip_from" | "real_ip_header" | "real_ip_recursive" => Answer::Left(
            "whose word about the client's address counts is said once for all tenants",
            Some("write [client] trusted_proxies in rempart.toml"),
        ),
        "stub_status" | "status" | "api" => Answer::Left("the edge has no status page of nginx's", None),
        name if name.ends_with("_by_lua_block") || name.ends_with("_by_lua_file") || name.ends_with("_by_lua") => {
            Answer::Left("the edge runs no programs of one's own", None)
        }
        name if name.starts_with("fastcgi_")
            || name.starts_with("uwsgi_")
            || name.starts_with("scgi_")
            || name.starts_with("grpc_")
            || name.starts_with("memcached_") =>
        {
            Answer::Left("the edge speaks HTTP to an application, and nothing else", None)
        }
        name if name.starts_with("proxy_ssl_") => Answer::Left("the edge speaks plain HTTP to an application", None),
        name if name.starts_with("proxy_next_upstream") => Answer::Left(
            "a tenant has one application",
            Some("let a load balancer stand before several"),
        ),
        name if name.starts_with("modsecurity")
            || name.starts_with("more_")
            || name.starts_with("lua_")
            || name.starts_with("geoip") =>
        {
            Answer::Left("a module of nginx", None)
        }
        _ => return None,
    })
}

/// Files that nginx's packages bring along.
fn is_table(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    matches!(
        name,
        "mime.types" | "fastcgi_params" | "fastcgi.conf" | "uwsgi_params" | "scgi_params"
    )
}
