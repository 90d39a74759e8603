//! Having a document set by a process: what comes out, and every way it can go wrong.

use std::path::{Path, PathBuf};
use std::time::Duration;

use longhaul_agent::DocumentFormat as Format;
use longhaul_agent::render::{RenderCommand, RenderError, RenderLimits, render};
use longhaul_document::Document;

/// A typesetter as a shell script.
pub(crate) fn script(text: &str) -> RenderCommand {
    RenderCommand { program: PathBuf::from("/bin/sh"), args: vec!["-c".to_owned(), text.to_owned()] }
}

/// Reads the document and writes something that begins as a PDF does.
pub(crate) const GOOD: &str = "cat > /dev/null; printf '%%PDF-1.7 a document'";

fn document() -> Document {
    Document {
        title: "A report".to_owned(),
        subtitle: None,
        facts: Vec::new(),
        summary: Vec::new(),
        sections: Vec::new(),
        queries: Vec::new(),
    }
}

async fn set(text: &str, limits: RenderLimits) -> Result<Vec<u8>, RenderError> {
    render(&document(), Format::Pdf, &script(text), &limits).await
}

#[tokio::test]
async fn a_pdf_comes_out() {
    let pdf = set(GOOD, RenderLimits::default()).await.unwrap();
    assert_eq!(pdf, b"%PDF-1.7 a document");
    // The document arrives whole, and a program that answers before it reads is no deadlock.
    let eager = "printf '%%PDF'; head -c 300000 /dev/zero; cat";
    let pdf = set(eager, RenderLimits::default()).await.unwrap();
    assert!(pdf.ends_with(&serde_json::to_vec(&document()).unwrap()));
}

#[tokio::test]
async fn failures_are_told_apart() {
    let limits = RenderLimits::default;
    let told = set("echo 'sections[0] must not be empty' >&2; exit 2", limits()).await.unwrap_err();
    assert!(matches!(told, RenderError::Document(_)) && !told.is_retryable());
    assert_eq!(told.to_string(), "the document cannot be set: sections[0] must not be empty");
    let told = set("echo 'no fonts' >&2; exit 1", limits()).await.unwrap_err();
    assert!(told.is_retryable() && told.to_string().ends_with("no fonts"));
    let told = set("kill -9 $$", limits()).await.unwrap_err();
    assert!(told.is_retryable() && told.to_string().contains("signal: 9"), "{told}");
    let told = set("echo hello", limits()).await.unwrap_err();
    assert!(told.to_string().contains("no pdf"));
    let told = set("printf '%%PDF'; head -c 200000 /dev/zero", RenderLimits { file_bytes: 1000, ..limits() })
        .await
        .unwrap_err();
    assert!(matches!(told, RenderError::TooLarge(1000)));
    let nowhere = RenderCommand { program: "/nowhere/at/all".into(), args: Vec::new() };
    let told = render(&document(), Format::Pdf, &nowhere, &limits()).await.unwrap_err();
    assert!(matches!(told, RenderError::NotStarted { .. }) && told.is_retryable());
}

/// Waits until a process that wrote its number into a file is no more.
pub(crate) async fn gone(number: &Path) {
    let bound = tokio::time::Instant::now() + Duration::from_secs(60);
    let written = || std::fs::read_to_string(number).ok().filter(|text| text.ends_with('\n'));
    loop {
        if let Some(pid) = written() {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            // A zombie runs no more; who started it will fetch it.
            if stat.is_err() || stat.is_ok_and(|stat| stat.contains(") Z ")) {
                return;
            }
        }
        assert!(tokio::time::Instant::now() < bound, "the process goes on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_takes_too_long_is_killed_and_so_is_what_nobody_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    let number = folder.path().join("number");
    let hangs = format!("echo $$ > {}; exec sleep 600", number.display());
    let limits = RenderLimits { time: Duration::from_millis(300), ..RenderLimits::default() };
    let told = set(&hangs, limits).await.unwrap_err();
    assert!(matches!(told, RenderError::TooSlow(_)) && told.is_retryable());
    gone(&number).await;

    std::fs::remove_file(&number).unwrap();
    let waiting = tokio::spawn(async move { set(&hangs, RenderLimits::default()).await.map(|_| ()) });
    while !number.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    waiting.abort();
    gone(&number).await;
}
