mod files;
mod layers;
mod mutated;
mod site;
mod tenant;
mod vendor;
