//! The handler for actix-web that the guide of scim-core shows, compiled and called.

use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web;
use actix_web::{App, rt::System};
use scim_core::{Identity, MemoryProvider};

include!("../../../scim-core/src/guide/mount_actix.rs");

#[test]
fn the_handler_of_the_guide_answers() {
    let service = ScimService::builder()
        .base_url("https://app.example.com/scim/v2")
        .users(MemoryProvider::new())
        .max_payload(1000)
        .build()
        .unwrap();
    let tokens = BearerTokens::new().token("secret", Identity::new("entra"));
    System::new().block_on(async {
        let data = Data::new((service, tokens));
        let scim = web::scope("/scim/v2").app_data(data).default_service(web::to(answer));
        let app = init_service(App::new().service(scim)).await;
        for (token, length, status) in
            [("Bearer secret", 0, 200), ("Bearer guessed", 0, 401), ("Bearer guessed", 2000, 401)]
        {
            let request = TestRequest::get().uri("/scim/v2/Users").insert_header(("authorization", token));
            let request = request.set_payload(vec![b' '; length]);
            assert_eq!(call_service(&app, request.to_request()).await.status(), status);
        }
        let user = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bea"}"#;
        for (padding, status) in [(1000 - user.len(), 201), (1001 - user.len(), 413)] {
            let request = TestRequest::post().uri("/scim/v2/Users");
            let request = request.insert_header(("authorization", "Bearer secret"));
            let request = request.set_payload(format!("{user}{}", " ".repeat(padding)));
            assert_eq!(call_service(&app, request.to_request()).await.status(), status);
        }
    });
}
