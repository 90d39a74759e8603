use std::process::{Command, Stdio};

use super::*;

/// What the child wrote, or its failure.
fn converted(input: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut output = Vec::new();
    convert(input, &mut output, Format::Pdf, &Options::default())
        .inspect_err(|_| assert!(output.is_empty()))?;
    Ok(output)
}

#[test]
fn a_document_in_gives_a_pdf_out() {
    let pdf = converted(br#"{"title": "Review", "summary": [], "sections": []}"#).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
}

#[test]
fn bad_input_is_told_from_other_failures() {
    let many = format!(r#"{{"title": "{}", "summary": [], "sections": []}}"#, "x".repeat(17 << 20));
    let cases: [(&[u8], &str); 5] = [
        (b"", "the document is not understood: EOF"),
        (b"%PDF-1.7", "the document is not understood"),
        (br#"{"title": "a", "summary": [], "sections": [], "script": 1}"#, "unknown field `script`"),
        (br#"{"title": "", "summary": [], "sections": []}"#, "title: must not be empty"),
        (many.as_bytes(), "larger than 16777216 bytes"),
    ];
    for (input, expected) in cases {
        let failure = converted(input).unwrap_err();
        assert!(failure.to_string().contains(expected), "{failure}");
        assert_eq!(failure.code(), BAD_INPUT);
    }
    assert_eq!(Failure::Write(io::ErrorKind::BrokenPipe.into()).code(), FAILED);
}

/// Not a test: what [`limits_end_a_process_that_goes_too_far`] runs in a process of its own.
#[test]
#[ignore = "run by another test, in a process that it is meant to end"]
fn go_too_far() {
    match std::env::var("GO_TOO_FAR").as_deref() {
        Ok("memory") => {
            limit(256 << 20, 60).unwrap();
            let mut kept = Vec::new();
            loop {
                kept.push(vec![1_u8; 1 << 20]);
            }
        }
        Ok("time") => {
            limit(1 << 30, 1).unwrap();
            let mut count = 0_u64;
            loop {
                count = std::hint::black_box(count.wrapping_add(1));
            }
        }
        _ => {}
    }
}

#[test]
#[cfg(target_os = "linux")]
fn limits_end_a_process_that_goes_too_far() {
    use std::os::unix::process::ExitStatusExt;

    for (resource, signal) in [("memory", libc::SIGABRT), ("time", libc::SIGKILL)] {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::tests::go_too_far", "--ignored", "--nocapture"])
            .env("GO_TOO_FAR", resource)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.signal(), Some(signal), "{resource}: {status}");
    }
}
