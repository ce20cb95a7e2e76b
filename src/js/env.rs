//! A client's configuration from a worker's `env` object.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::builder;
use crate::{ClientBuilder, Error, Result};
use js_sys::{Object, Reflect};
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue};

/// Begins a client ([`builder`]) from the object of variables that a worker's handler is given, by the names that
/// [`ClientBuilder::environment`] lists. Bindings of other names are not looked at.
///
/// Only the object's own properties count: what was slipped into a prototype sets no endpoint.
///
/// # Errors
/// [`ErrorKind::Config`](crate::ErrorKind::Config) when `env` is not an object, or one of the variables is there and not
/// a string. What is missing is said by [`ClientBuilder::build`]. No error quotes a value.
pub fn from_env_object(env: &JsValue) -> Result<ClientBuilder> {
    if !env.is_object() {
        return Err(Error::config("env: must be the object of variables that a worker's handler is given"));
    }
    let env: &Object = env.unchecked_ref();
    let wrong = RefCell::new(None);
    let built = builder().environment(|name| {
        own(env, name).unwrap_or_else(|error| {
            wrong.borrow_mut().get_or_insert(error);
            None
        })
    });
    wrong.into_inner().map_or(Ok(built), Err)
}

/// An own property that is a string; `None` when there is none, or it is undefined or null.
fn own(env: &Object, name: &str) -> Result<Option<String>> {
    let not_a_string = || Error::config([name, ": must be a string"].concat());
    let key = JsValue::from_str(name);
    // A proxy may throw.
    let described = Reflect::get_own_property_descriptor(env, &key).map_err(|_| not_a_string())?;
    if described.is_undefined() {
        return Ok(None);
    }
    let value = Reflect::get(env, &key).map_err(|_| not_a_string())?;
    // serde's own message would quote the value.
    serde_wasm_bindgen::from_value(value).map_err(|_| not_a_string())
}
