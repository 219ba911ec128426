//! J08: faults are put into the program, and the tests that are there to find them do.

use std::{future::Future, panic::AssertUnwindSafe};

use futures::FutureExt;

use crate::{
    disk::synced_before_told,
    harness::{Backend, Process, Store},
    order::one_order,
    removal::hears_nothing_more,
    request_id::one_message,
};

/// Runs a test that must fail, with one of these words.
async fn finds(test: impl Future<Output = ()>, words: &[&str]) {
    let failure = AssertUnwindSafe(test).catch_unwind().await.expect_err("the test passes with a fault in the program");
    let said = failure.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(words.iter().any(|words| said.contains(words)), "it failed for another reason: {said}");
}

/// Runs it against the program with this fault in it.
async fn finds_over_the_wire(fault: &str, test: impl AsyncFnOnce(String), words: &[&str]) {
    let store = Store::new(Backend::Sqlite).await;
    let server = Process::failing(&store, fault, &[], "127.0.0.1:0");
    finds(test(server.url()), words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_before_the_commit_is_found_by_who_looks_or_by_the_order_of_system_calls() {
    finds(synced_before_told(Some("ack-before-commit=return")), &["but synced only on line", "is not there"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_event_is_found_by_the_readers_of_one_order() {
    let test = async |url: String| one_order(&url).await;
    // Of 1,024; what comes before the readers do is passed over, and they may come late.
    let fault = "skip-event=300*off->1*return->300*off->1*return->100*off->1*return->off";
    finds_over_the_wire(fault, test, &["a hole from"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_request_id_is_found_by_a_hundred_repeats() {
    let test = async |url: String| one_message(&url).await;
    finds_over_the_wire("forget-request-id=return", test, &["left == right"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_outlive_a_removal_are_found_by_the_one_who_was_removed() {
    let test = async |url: String| hears_nothing_more(&url).await;
    finds_over_the_wire("keep-rights=return", test, &["she hear"]).await;
}
