//! Faults as a control call describes them.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::fields::{Fields, InputError};
use crate::fault::Fault;
use crate::service::Service;
use serde_json::Value;
use std::time::Duration;

const KINDS: &str = "throttle, status, slowHeaders, slowBody, hang, reset, unreachable, truncated, oversized, \
                     malformed, emptyBody, html, xml, redirect, wrongDate";

/// `{"kind": "status", "status": 503, "code": "ServiceUnavailable", "times": 2, "secret": "app/db"}`
pub(super) fn fault(value: &Value) -> Result<Fault, InputError> {
    let mut fields = Fields::of(value, "fault")?;
    let kind = fields.required("kind")?;
    let mut fault = match kind {
        "throttle" => Fault::throttle(),
        "status" => Fault::status(status(&mut fields)?, fields.required("code")?),
        "slowHeaders" => Fault::slow_headers(delay(&mut fields)?),
        "slowBody" => Fault::slow_body(delay(&mut fields)?),
        "hang" => Fault::hang(),
        "reset" => Fault::reset(),
        "unreachable" => Fault::unreachable(),
        "truncated" => Fault::truncated(),
        "oversized" => Fault::oversized(),
        "malformed" => Fault::malformed(),
        "emptyBody" => Fault::empty_body(status(&mut fields)?),
        "html" => Fault::html(status(&mut fields)?),
        "xml" => Fault::xml(status(&mut fields)?, fields.required("code")?),
        "redirect" => {
            let location = fields.required("location")?;
            // What cannot stand in a header would end the connection in the place of the redirect.
            if location.chars().any(|c| c.is_control() || c.is_whitespace()) {
                return Err(fields.wrong("location", "must be an address, without white space"));
            }
            Fault::redirect(location)
        }
        "wrongDate" => {
            let offset = fields.signed("offsetMs")?;
            Fault::wrong_date(offset.ok_or_else(|| fields.wrong("offsetMs", "is missing"))?)
        }
        _ => return Err(fields.wrong("kind", &format!("must be one of {KINDS}"))),
    };
    if let Some(times) = fields.small("times")? {
        fault = fault.times(times);
    }
    if let Some(name) = fields.text("service")? {
        let found = Service::ALL.into_iter().find(|(known, _)| *known == name);
        let Some((_, service)) = found else {
            let names = Service::ALL.map(|(known, _)| known).join(", ");
            return Err(fields.wrong("service", &format!("must be one of {names}")));
        };
        fault = fault.for_service(service);
    }
    if let Some(action) = fields.text("action")? {
        fault = fault.for_action(action);
    }
    if let Some(secret) = fields.text("secret")? {
        fault = fault.for_secret(secret);
    }
    if let Some(host) = fields.text("host")? {
        fault = fault.for_host(host);
    }
    if let Some(ms) = fields.unsigned("retryAfterMs")? {
        fault = fault.retry_after(ms);
    }
    fields.finish()?;
    Ok(fault)
}

fn status(fields: &mut Fields<'_>) -> Result<u16, InputError> {
    let status: Option<u16> = fields.small("status")?;
    status.filter(|s| (200..=599).contains(s)).ok_or_else(|| fields.wrong("status", "must be 200 to 599"))
}

fn delay(fields: &mut Fields<'_>) -> Result<Duration, InputError> {
    let ms = fields.unsigned("delayMs")?;
    ms.map(Duration::from_millis).ok_or_else(|| fields.wrong("delayMs", "is missing"))
}
