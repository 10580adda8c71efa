//! Cases of resources: normalizing and validating input, and serializing output.

use scim_core::schema::{Projected, Projection, ReadContext, Tolerance, standard};
use serde_json::{Map, Value};

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    let (user, tolerance) = (standard::user_type(), Tolerance::lenient());
    let check = move |mut resource: Map<String, Value>| {
        user.normalize(&mut resource, &mut ReadContext::new(&tolerance)).expect("a user");
        user.validate(&resource, None).expect("a valid user");
        resource
    };
    let input = crate::user();
    vec![
        Case::consuming("schema/normalize-validate", 0.25, move || input.clone(), check),
        serialize("schema/serialize-3", 0.05, Some("userName,name.familyName,emails.value")),
        serialize("schema/serialize", 0.35, None),
    ]
}

fn serialize(name: &'static str, bar: f64, attributes: Option<&str>) -> Case {
    let (user, tolerance) = (standard::user_type(), Tolerance::lenient());
    let projection = match attributes {
        Some(names) => Projection::only(&user, names, &mut ReadContext::new(&tolerance)),
        None => Projection::new(&user),
    };
    let resource = crate::user();
    Case::repeated(name, bar, move || {
        let mut text = Vec::with_capacity(1024);
        Projected::new(&resource, &projection).write_to(&mut text);
        text
    })
}
