//! Commands that want to connect, through the whole program.

use crate::support::Kerf;
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Turn};
use serde_json::json;
use std::{io::ErrorKind, net::TcpListener};

/// A server of this computer is not for commands, listed or not; the result, the ledger and `doctor` say so.
#[cfg(target_os = "linux")]
#[test]
fn the_list_of_the_settings_decides_and_this_computer_is_never_reached() {
    let here = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = here.local_addr().unwrap().port();
    let dial = "bash -c 'exec 3<>/dev/tcp/127.0.0.1/3128 && printf \"CONNECT $0 HTTP/1.1\\r\\n\\r\\n\" >&3 && cat <&3'";
    let line = format!(
        "{dial} 127.0.0.1:{port}; {dial} one.invalid:443; echo proxy ${{https_proxy-none}}"
    );
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::call("run_command", json!({ "command": line })))
            .turn(Turn::text("Done."))
            .turn(Turn::call("run_command", json!({ "command": line })))
            .otherwise(Turn::text("Done.")),
    );
    let repo = Fixture::new("//- /a.txt\none\n").git();
    let listing = |hosts: &str| {
        Kerf::new()
            .server(&server, Wire::Chat)
            .in_repo(&repo)
            .config(&format!("[network]\nallow = [{hosts}]\n"))
    };
    let kerf = listing(&format!("\"127.0.0.1:{port}\""));
    let doctor = kerf.run(&["doctor", "--json"]);
    let check = |name: &str| {
        let found = doctor
            .events
            .iter()
            .flat_map(|event| match event.as_array() {
                Some(all) => all.clone(),
                None => vec![event.clone()],
            });
        found
            .into_iter()
            .find(|check| check["name"] == name)
            .unwrap()
    };
    if check("sandbox")["isolation"]["level"] != "full" {
        eprintln!("skipped 1: {}", check("sandbox"));
        return;
    }
    assert_eq!(
        check("network")["detail"],
        "1 host; commands ask for others"
    );

    let ran = kerf
        .run(&["exec", "--json", "--approve", "auto", "Go"])
        .expect(0);
    let call = ran.calls()[0];
    let output = call["output"].as_str().unwrap();
    for said in [
        &format!("note: the network refused `127.0.0.1:{port}`: it is an address of this computer"),
        "note: the network refused `one.invalid:443`: it is not among the hosts that the user allows",
        "proxy http://127.0.0.1:3128",
    ] {
        assert!(output.contains(said), "`{said}` in {output}");
    }
    assert_eq!(call["exit"]["network"], json!({"hosts": 1, "asks": false}));
    let rows = kerf.run(&["ledger", "list", "--json"]).expect(0).events;
    let rows: Vec<_> = rows
        .iter()
        .filter(|row| row["purpose"] == "command")
        .collect();
    assert_eq!(rows.len(), 1, "what was refused by the list has no row");
    assert_eq!(rows[0]["host"], format!("127.0.0.1:{port}"));
    assert_eq!(rows[0]["session_id"], json!(ran.session()));
    assert_eq!(
        rows[0]["target"],
        format!("CONNECT {}", call["id"].as_str().unwrap())
    );
    assert_eq!(rows[0]["traffic"], json!({"up": 0, "down": 0}));
    kerf.run(&["ledger", "verify"]).expect(0);

    let none = listing("");
    let ran = none
        .run(&["exec", "--json", "--approve", "auto", "Go"])
        .expect(0);
    let output = ran.calls()[0]["output"].as_str().unwrap().to_owned();
    assert!(
        output.contains("proxy none") && !output.contains("HTTP/1.1"),
        "{output}"
    );
    here.set_nonblocking(true).unwrap();
    assert_eq!(here.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}
