//! Services: where an application is.

use super::Traefik;
use crate::address::upstream;
use crate::site::{Door, Said, Scope, Site, set};
use crate::times;
use crate::tree::Node;

impl<'a> Traefik<'a> {
    /// Takes in the application of a router.
    pub(super) fn service(&mut self, name: &'a Node, scope: &Scope, site: &mut Site) {
        let Some(service) = self.defined("services", name.text().unwrap_or_default()) else {
            let why = "the service is not defined in this file";
            return self.account.left_but(name.item, why, "write [upstream] url by hand");
        };
        let first_use = self.used.insert(service.item);
        let mut door = Door {
            url: Err("it is no loadBalancer with servers, and a tenant has one application".into()),
            reach: scope.reach(),
            items: vec![name.item],
        };
        for (kind, node) in service.entries() {
            if kind == "loadBalancer" {
                self.load_balancer(node, &mut door, first_use, site);
            } else {
                self.account.left_all(
                    node,
                    "a tenant has one application at one address",
                    "let a load balancer stand before several",
                );
            }
        }
        site.doors.push(door);
    }

    fn load_balancer(&mut self, node: &'a Node, door: &mut Door, first_use: bool, site: &mut Site) {
        let why = "a tenant has one application at one address";
        let instead = "let a load balancer stand before several";
        for (key, node) in node.entries() {
            match key.as_str() {
                "servers" => {
                    let url = node.items().first().and_then(|server| server.at("url"));
                    if let Some((url, text)) = url.and_then(|url| Some((url, url.text()?))) {
                        door.url = upstream(text);
                        door.items.push(url.item);
                    }
                    for server in node.items().iter().skip(1) {
                        self.account.left_all(server, why, instead);
                    }
                    let only = node.items().first().and_then(|server| server.at("weight"));
                    if let Some(weight) = only {
                        self.account.understood(weight.item, "there is nothing to choose from");
                    }
                }
                "serversTransport" => self.transport(node, site),
                "passHostHeader" if node.is_true() => {
                    self.account
                        .understood(node.item, "the edge passes the host on as the client named it");
                }
                "passHostHeader" => {
                    let instead = "let the application answer to the tenant's hosts";
                    self.account
                        .left_but(node.item, "the edge passes the host on as the client named it", instead);
                }
                "responseForwarding" => self
                    .account
                    .understood_all(node, "the edge passes bytes on as they come"),
                "healthCheck" | "passiveHealthCheck" => {
                    self.account
                        .left_all(node, "the edge asks an application nothing by itself", "")
                }
                _ if first_use => self.account.left_all(node, why, instead),
                _ => {}
            }
        }
    }

    fn transport(&mut self, name: &'a Node, site: &mut Site) {
        let Some(transport) = self.defined("serversTransports", name.text().unwrap_or_default()) else {
            return self
                .account
                .left(name.item, "the transport is not defined in this file");
        };
        self.used.insert(transport.item);
        self.account.understood(name.item, "its times are carried");
        for (key, node) in transport.entries() {
            if key != "forwardingTimeouts" {
                self.account
                    .left_all(node, "the edge speaks plain HTTP to an application", "");
                continue;
            }
            for (key, node) in node.entries() {
                let place = match key.as_str() {
                    "dialTimeout" => (300, &mut site.settings.connect_timeout),
                    "responseHeaderTimeout" => (86_400, &mut site.settings.response_timeout),
                    _ => {
                        self.account.left_all(
                            node,
                            "the edge keeps connections to an application in its own way",
                            "see idle_timeout under [upstream]",
                        );
                        continue;
                    }
                };
                match times::within(node.text().unwrap_or_default(), place.0) {
                    Ok(text) => set(place.1, Said::new(text, node.item).at(1), &mut self.account),
                    Err(why) => self.account.left(node.item, why),
                }
            }
        }
    }
}
