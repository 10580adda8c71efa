//! The handler for actix-web that the guide of scim-core shows, compiled and called.

use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::{self, PayloadConfig};
use actix_web::{App, rt::System};
use scim_core::MemoryProvider;

include!("../../../scim-core/src/guide/mount_actix.rs");

#[test]
fn the_handler_of_the_guide_answers() {
    let service = ScimService::builder()
        .base_url("https://app.example.com/scim/v2")
        .users(MemoryProvider::new())
        .build()
        .unwrap();
    System::new().block_on(async {
        let limit = PayloadConfig::new(service.max_payload());
        let scim = web::scope("/scim/v2").app_data(limit).default_service(web::to(answer));
        let app = init_service(App::new().app_data(Data::new(service)).service(scim)).await;
        for (token, status) in [("Bearer secret", 200), ("Bearer guessed", 401)] {
            let request = TestRequest::get().uri("/scim/v2/Users").insert_header((AUTHORIZATION, token));
            assert_eq!(call_service(&app, request.to_request()).await.status(), status);
        }
    });
}
