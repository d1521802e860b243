mod certificates;
mod deadlines;
mod development_ca;
mod fixture;
mod names;
mod offers;
mod sessions;
mod thief;
