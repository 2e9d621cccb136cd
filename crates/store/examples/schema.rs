//! Makes an empty database with the newest schema, for the check of the queries: see the header of the crate.
//!
//! Not a part of Kerf: `cargo xtask sqlx` runs it. It is built without the feature `queries`, so that it can
//! be built while the data that the queries are checked against is out of date.
//! Usage: `cargo run -p kerf-store --no-default-features --example schema -- FILE`.

use std::{error::Error, path::Path};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: schema FILE")?;
    kerf_store::schema::create(Path::new(&path)).await?;
    Ok(())
}
