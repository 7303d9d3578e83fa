//! The description of the API: what the handlers say of themselves, gathered by the routers that they are in.

use std::sync::Arc;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::{Extension, Router};
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What programs can ask over TCP.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "kbasefs",
        version = "1",
        description = "A photo catalog: looking, searching, and asking for analyses. Photos are named by id. Changes are \
                       asked for as application/json; a page of another origin is refused. Where the page has a token, \
                       send it as Authorization: Bearer TOKEN.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "http://127.0.0.1:8080")),
    modifiers(&BearerToken),
    security((), ("token" = [])),
)]
pub struct Site;

/// What commands can ask through the control socket.
#[derive(OpenApi)]
#[openapi(info(
    title = "kbasefs control socket",
    version = "1",
    description = "What the commands of kbasefs ask: everything that can be done with a catalog, for its owner only. A \
                   request that names the id of a catalog in the header kbasefs-catalog is answered by no other one.",
    license(name = "Apache-2.0", identifier = "Apache-2.0"),
))]
pub struct Control;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut Document) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

/// The description, as it is answered.
#[derive(Clone)]
struct Written(Arc<str>);

/// The page that answers with the description.
pub fn router<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::new().routes(routes!(get))
}

/// Gives that page what is described.
pub fn describe(router: Router, document: &Document) -> Router {
    let text = document.to_json().expect("it has text for keys");
    router.layer(Extension(Written(text.into())))
}

/// This description.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "openapi",
    responses((
        status = 200,
        description = "OpenAPI 3.1",
        body = Object,
        content_type = "application/json",
    ))
)]
async fn get(Extension(written): Extension<Written>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], written.0.to_string())
}
