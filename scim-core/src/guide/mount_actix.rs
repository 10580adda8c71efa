use actix_web::http::header::AUTHORIZATION;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use scim_core::{Identity, ScimService};

/// Answers everything below `/scim/v2`. Mount it with
/// `web::scope("/scim/v2").app_data(PayloadConfig::new(service.max_payload())).default_service(web::to(answer))`.
async fn answer(service: Data<ScimService>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let mut converted =
        http::Request::builder().method(request.method().as_str()).uri(request.uri().to_string());
    for (name, value) in request.headers() {
        converted = converted.header(name.as_str(), value.as_bytes());
    }
    let Ok(mut converted) = converted.body(body) else {
        return HttpResponse::BadRequest().finish();
    };
    let authorization = request.headers().get(AUTHORIZATION);
    if authorization.is_some_and(|value| value.as_bytes() == b"Bearer secret") {
        converted.extensions_mut().insert(Identity::new("entra"));
    }
    let response = service.handle(converted).await;
    let status = actix_web::http::StatusCode::from_u16(response.status().as_u16()).unwrap_or_default();
    let mut answer = HttpResponse::build(status);
    for (name, value) in response.headers() {
        answer.append_header((name.as_str(), value.as_bytes()));
    }
    answer.body(response.into_body())
}
