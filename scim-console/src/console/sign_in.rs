//! Signing in and out.

use askama::Template;
use chrono::Utc;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{Response, StatusCode};

use super::administrators::SESSION_LIFETIME;
use super::form::Form;
use super::respond::{Failure, html, redirect};
use super::{ConsoleBody, Shared, guard};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    root: &'a str,
    problem: Option<&'static str>,
}

pub(super) fn page(shared: &Shared, problem: Option<&'static str>) -> Response<ConsoleBody> {
    let status = if problem.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    html(status, &LoginPage { root: &shared.options.root, problem })
}

pub(super) async fn sign_in(
    shared: &Shared,
    parts: &Parts,
    form: &Form,
) -> Result<Response<ConsoleBody>, Failure> {
    if shared.options.secure_cookies && !guard::keeps_secure_cookies(parts) {
        let problem = "Over plain HTTP, the browser would send the session where others can read it. Use https, or reach the pages \
                       by localhost, for example through an SSH tunnel.";
        return Ok(page(shared, Some(problem)));
    }
    let secret = shared.administrators.sign_in(form.get("token"), Utc::now()).await?;
    let Some(secret) = secret else {
        tracing::warn!("somebody tried to sign in as an administrator with a token that is not valid");
        return Ok(page(shared, Some("Nobody has this token, or it has expired or was revoked.")));
    };
    let mut response = redirect(&format!("{}/", shared.options.root));
    if let Some(cookie) = guard::set_cookie(&shared.options, secret.expose(), SESSION_LIFETIME.num_seconds())
    {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

pub(super) async fn sign_out(
    shared: &Shared,
    secret: Option<&str>,
) -> Result<Response<ConsoleBody>, Failure> {
    if let Some(secret) = secret {
        shared.administrators.sign_out(secret).await?;
    }
    let mut response = redirect(&format!("{}/login", shared.options.root));
    if let Some(cookie) = guard::set_cookie(&shared.options, "", 0) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}
