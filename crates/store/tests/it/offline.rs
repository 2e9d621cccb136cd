//! The committed data of the checked queries is what the migrations say: a type that a migration changed is found here.

use sqlx::{
    Column as _, Connection as _, Executor as _, Row as _, SqlSafeStr as _, Statement as _,
    TypeInfo as _,
};
use std::{fs, path::Path};

struct Query {
    file: String,
    data: serde_json::Value,
}

fn committed() -> Vec<Query> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            Query {
                data: serde_json::from_slice(&fs::read(&path).unwrap()).unwrap(),
                file: path.file_name().unwrap().to_str().unwrap().to_owned(),
            }
        })
        .collect()
}

#[tokio::test]
async fn every_committed_query_fits_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kerf.db");
    kerf_store::schema::create(&path).await.unwrap();
    let mut conn = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    for Query { file, data } in committed() {
        let text = data["query"].as_str().unwrap();
        let statement = conn.prepare(sqlx::AssertSqlSafe(text).into_sql_str()).await;
        let statement = statement.unwrap_or_else(|error| panic!("{file}: {error}"));
        let parameters = statement.parameters().map(|parameters| match parameters {
            sqlx::Either::Left(types) => types.len(),
            sqlx::Either::Right(count) => count,
        });
        let described = &data["describe"];
        assert_eq!(
            serde_json::json!(parameters.unwrap_or(0)),
            described["parameters"]["Right"],
            "{file}: parameters"
        );
        let columns = described["columns"].as_array().unwrap();
        assert_eq!(statement.columns().len(), columns.len(), "{file}: columns");
        for (index, (now, column)) in statement.columns().iter().zip(columns).enumerate() {
            assert_eq!(column["name"], now.name(), "{file}");
            // An expression has no declared type: that one comes from looking at the query's plan.
            if let Some(table) = column["origin"]["Table"]["table"].as_str() {
                let declared = now.type_info().name().to_lowercase();
                let kept = column["type_info"].as_str().unwrap().to_lowercase();
                assert_eq!(kept, declared, "{file}: {}", now.name());
                let origin = column["origin"]["Table"]["name"].as_str().unwrap();
                let required: bool = sqlx::query(
                    "select \"notnull\" or pk as required from pragma_table_info(?) where name = ?",
                )
                .bind(table)
                .bind(origin)
                .fetch_one(&mut conn)
                .await
                .unwrap()
                .get("required");
                if described["nullable"][index] == false {
                    assert!(required, "{file}: {} may be null", now.name());
                }
            }
        }
    }
}
