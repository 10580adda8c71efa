use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use scim_core::{BearerTokens, BodyBuffer, ScimService};

/// Answers everything below `/scim/v2`. Mount it with
/// `web::scope("/scim/v2").app_data(Data::new((service, tokens))).default_service(web::to(answer))`.
async fn answer(
    scim: Data<(ScimService, BearerTokens)>,
    request: HttpRequest,
    mut payload: Payload,
) -> HttpResponse {
    let (service, tokens) = scim.get_ref();
    let mut converted =
        http::Request::builder().method(request.method().as_str()).uri(request.uri().to_string());
    for (name, value) in request.headers() {
        converted = converted.header(name.as_str(), value.as_bytes());
    }
    let Ok(converted) = converted.body(()) else {
        return HttpResponse::BadRequest().finish();
    };
    let (mut parts, ()) = converted.into_parts();
    let refused = service.authenticate(&mut parts, tokens).await.err();
    // The body of a client that was refused is read, so that the client gets the answer, but not kept.
    let mut body = match refused {
        Some(_) => BodyBuffer::discarding(),
        None => BodyBuffer::new(service.max_payload()),
    };
    while let Some(data) = payload.next().await {
        let Ok(data) = data else { return HttpResponse::BadRequest().finish() };
        body.push(&data);
        if body.is_overfull() {
            break;
        }
    }
    let response = match refused {
        Some(refused) => refused,
        None => service.handle(http::Request::from_parts(parts, body.into_bytes())).await,
    };
    let status = actix_web::http::StatusCode::from_u16(response.status().as_u16()).unwrap_or_default();
    let mut answer = HttpResponse::build(status);
    for (name, value) in response.headers() {
        answer.append_header((name.as_str(), value.as_bytes()));
    }
    answer.body(response.into_body())
}
