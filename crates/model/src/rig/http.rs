//! What carries a question to a provider, and its answer back.
//!
//! The library writes requests and reads answers; it is never given a key. The key is put into its header
//! here, as the last thing, and the address is checked before anything is sent. Errors of the HTTP client
//! hold addresses: none of them leaves this file, only a [`Fault`].
#![expect(clippy::result_large_err, reason = "the library's trait wants its error as it is")]

use std::future::{self, Future};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use reqwest::Url;
use reqwest::redirect::Policy;
use rig_core::http_client::{
    Error, HeaderMap, HeaderValue, HttpClientExt, LazyBody, MultipartForm, Request, Response, Result,
    StreamingResponse,
};
use rig_core::wasm_compat::WasmCompatSend;

use crate::settings::unusable;
use crate::{Api, ProviderSettings, SettingsError};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// The most bytes of an answer that says no.
const REFUSAL: usize = 64 * 1024;

/// The most bytes of an answer.
const ANSWER: usize = 32 * 1024 * 1024;

/// What went wrong on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// Nothing came for longer than one waits.
    #[error("nothing came in time")]
    Timeout,
    /// No connection, or no secure one.
    #[error("no connection")]
    Unreachable,
    /// The connection ended before the answer began.
    #[error("no answer")]
    Unanswered,
    /// The connection broke in the middle of the answer.
    #[error("the connection broke")]
    Broken,
    /// The answer has no end.
    #[error("the answer is too long")]
    Endless,
    /// Something that is never sent.
    #[error("not a request of this program")]
    Foreign,
}

/// What is the same for every question to a provider: the connections, and the header with the key.
#[derive(Clone)]
pub(crate) struct Transport {
    client: reqwest::Client,
    api: Api,
    key: Option<HeaderValue>,
}

/// The transport of these settings.
///
/// # Errors
/// If the address cannot be used, or the key cannot stand in a header.
pub(crate) fn transport(settings: &ProviderSettings) -> std::result::Result<Transport, SettingsError> {
    let bad = |why: String| unusable(&settings.name, why);
    let url = Url::parse(&settings.base_url)
        .map_err(|error| bad(format!("its base-url is no address ({error}); write https://HOST/PATH")))?;
    let near = is_near(&url);
    match url.scheme() {
        "https" => {}
        "http" if near || settings.allow_plain => {}
        "http" => {
            return Err(bad(
                "its base-url is not encrypted, and on another machine; write https://, or set allow-plain \
                 if the way there is safe"
                    .to_owned(),
            ));
        }
        other => {
            return Err(bad(format!("its base-url begins with {other}:; only https: and http: will do")));
        }
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("its base-url has a name or password in it; give the key by key-env".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("its base-url has a ? or # in it; leave out what follows".to_owned()));
    }
    let key = match &settings.key {
        Some(key) => Some(header(settings.api, key.expose()).ok_or_else(|| {
            bad("its key has characters that no key has; look for a line end in the middle".to_owned())
        })?),
        None => None,
    };
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(secured(url.scheme() == "https").map_err(bad)?)
        .redirect(Policy::none())
        .connect_timeout(CONNECT)
        .read_timeout(settings.patience)
        .user_agent(concat!("longhaul/", env!("CARGO_PKG_VERSION")));
    if near {
        // What is on this machine is not reached by way of another.
        builder = builder.no_proxy();
    }
    let client = builder.build().map_err(|error| bad(format!("no HTTP client: {}", error.without_url())))?;
    Ok(Transport { client, api: settings.api, key })
}

/// Whether an address is on this machine.
fn is_near(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The value of the header that carries a key; shown by nothing.
fn header(api: Api, key: &str) -> Option<HeaderValue> {
    let text = match api {
        Api::OpenAi => format!("Bearer {key}"),
        Api::Anthropic | Api::Gemini => key.to_owned(),
    };
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// TLS by ring, with the authorities that this machine trusts. They are read once.
fn secured(needed: bool) -> std::result::Result<rustls::ClientConfig, String> {
    static ROOTS: OnceLock<Arc<rustls::RootCertStore>> = OnceLock::new();
    let roots = if needed {
        Arc::clone(ROOTS.get_or_init(|| {
            let mut roots = rustls::RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            Arc::new(roots)
        }))
    } else {
        Arc::new(rustls::RootCertStore::empty())
    };
    if needed && roots.is_empty() {
        return Err("this machine has no certificates of authorities; install ca-certificates, or set \
                    SSL_CERT_FILE"
            .to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The transport of one question: it keeps the headers of the answer.
#[derive(Clone)]
pub(super) struct Line {
    transport: Transport,
    headers: Arc<Mutex<Option<HeaderMap>>>,
}

impl Line {
    pub(super) fn new(transport: Transport) -> Self {
        Self { transport, headers: Arc::default() }
    }

    /// The headers of the answer, once it has begun.
    pub(super) fn headers(&self) -> Option<HeaderMap> {
        self.headers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A request as it is sent: no key in its address, one in its header.
    fn request(&self, request: Request<Bytes>) -> Result<reqwest::Request> {
        let (parts, body) = request.into_parts();
        let mut url = Url::parse(&parts.uri.to_string()).map_err(|_| Error::instance(Fault::Foreign))?;
        let rest: Vec<_> = url
            .query_pairs()
            .filter(|(name, _)| name != "key")
            .map(|(k, v)| (k.into_owned(), v.into_owned()))
            .collect();
        url.query_pairs_mut().clear().extend_pairs(rest);
        if url.query() == Some("") {
            url.set_query(None);
        }
        let mut sent = reqwest::Request::new(parts.method, url);
        *sent.headers_mut() = parts.headers;
        *sent.body_mut() = Some(body.into());
        for name in ["authorization", "x-api-key", "x-goog-api-key"] {
            sent.headers_mut().remove(name);
        }
        if let Some(key) = &self.transport.key {
            let name = match self.transport.api {
                Api::OpenAi => "authorization",
                Api::Anthropic => "x-api-key",
                Api::Gemini => "x-goog-api-key",
            };
            sent.headers_mut().insert(name, key.clone());
        }
        Ok(sent)
    }

    async fn sent(self, request: Request<Bytes>) -> Result<StreamingResponse> {
        let request = self.request(request)?;
        let answer = self.transport.client.execute(request).await;
        let mut answer = answer.map_err(|error| fault(&error, Fault::Unanswered))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        if !status.is_success() {
            let mut body = Vec::new();
            // What is there of a refusal will do.
            while let Ok(Some(chunk)) = answer.chunk().await {
                body.extend_from_slice(&chunk);
                if body.len() > REFUSAL {
                    break;
                }
            }
            let body = String::from_utf8_lossy(&body).into_owned();
            return Err(Error::non_success_with_details(status, headers, body));
        }
        *self.headers.lock().unwrap_or_else(PoisonError::into_inner) = Some(headers.clone());
        let mut come = 0;
        let body = answer.bytes_stream().map(move |chunk| {
            let chunk = chunk.map_err(|error| fault(&error, Fault::Broken))?;
            come += chunk.len();
            if come > ANSWER { Err(Error::instance(Fault::Endless)) } else { Ok(chunk) }
        });
        let mut response = Response::new(Box::pin(body) as _);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// What an error of the HTTP client is; `otherwise` if it is neither late nor a missing connection.
fn fault(error: &reqwest::Error, otherwise: Fault) -> Error {
    Error::instance(if error.is_timeout() {
        Fault::Timeout
    } else if error.is_connect() {
        Fault::Unreachable
    } else {
        otherwise
    })
}

impl HttpClientExt for Line {
    // Answers are always streamed: the other two are never asked for.

    fn send<T, U>(
        &self,
        _request: Request<T>,
    ) -> impl Future<Output = Result<Response<LazyBody<U>>>> + WasmCompatSend + 'static
    where
        T: Into<Bytes> + WasmCompatSend,
        U: From<Bytes> + WasmCompatSend + 'static,
    {
        future::ready(Err(Error::instance(Fault::Foreign)))
    }

    fn send_multipart<U>(
        &self,
        _request: Request<MultipartForm>,
    ) -> impl Future<Output = Result<Response<LazyBody<U>>>> + WasmCompatSend + 'static
    where
        U: From<Bytes> + WasmCompatSend + 'static,
    {
        future::ready(Err(Error::instance(Fault::Foreign)))
    }

    async fn send_streaming<T>(&self, request: Request<T>) -> Result<StreamingResponse>
    where
        T: Into<Bytes> + WasmCompatSend,
    {
        self.clone().sent(request.map(Into::into)).await
    }
}
