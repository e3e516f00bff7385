//! Servers of one script each, on threads of their own, so that they answer whatever the
//! transport's runtime does.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use url::Url;

use crate::verdict::unexpected;

/// How long a server waits for its client before it gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) body: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Heard {
    /// All values of a header, in their order.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let named = |header: &&(String, String)| header.0.eq_ignore_ascii_case(name);
        self.headers.iter().filter(named).map(|(_, value)| value.as_str()).collect()
    }

    fn read(stream: &TcpStream) -> std::io::Result<Option<Self>> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_ascii_whitespace().map(str::to_owned);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut heard = Self { method, target, body: Vec::new(), headers };
        let length = heard.all("content-length").first().and_then(|length| length.parse().ok());
        reader.take(length.unwrap_or(0)).read_to_end(&mut heard.body)?;
        Ok(Some(heard))
    }
}

/// The server's end of one connection, once the request has been read.
pub(super) struct Wire(TcpStream);

impl Wire {
    /// Sends bytes; that the client has gone is for the client's side to notice.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        drop(self.0.write_all(bytes).and_then(|()| self.0.flush()));
    }

    /// Sends nothing until the client gives up.
    pub(super) fn wait_for_hang_up(&mut self) {
        drop(self.0.read(&mut [0]));
    }
}

/// Lets time pass on the server's thread.
pub(super) fn pause(duration: Duration) {
    // A channel that nobody sends on is a timer.
    let (_open, nobody) = mpsc::channel::<()>();
    nobody.recv_timeout(duration).unwrap_or_default();
}

/// A server on a free port of 127.0.0.1. It ends when dropped.
pub(super) struct Loopback {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    over: Arc<AtomicBool>,
}

impl Loopback {
    /// Every connection gets these bytes once its request was read, and is closed.
    pub(super) fn answering(bytes: &'static [u8]) -> Result<Self, String> {
        Self::start(move |wire| wire.write(bytes))
    }

    /// Every connection is played this script once its request was read, and is closed.
    pub(super) fn start(script: impl FnMut(&mut Wire) + Send + 'static) -> Result<Self, String> {
        let listener = listen()?;
        let address = listener.local_addr().map_err(unexpected)?;
        let (heard, over) = (Arc::default(), Arc::default());
        let server = Self { address, heard: Arc::clone(&heard), over: Arc::clone(&over) };
        std::thread::Builder::new()
            .name("conformance-server".to_owned())
            .spawn(move || serve(&listener, &heard, &over, script))
            .map_err(unexpected)?;
        Ok(server)
    }

    /// An address that refuses connections: a port that was free a moment ago.
    pub(super) fn nobody_there() -> Result<Url, String> {
        let address = listen()?.local_addr().map_err(unexpected)?;
        Url::parse(&format!("http://{address}/")).map_err(unexpected)
    }

    /// The address of a path and query on this server.
    pub(super) fn url(&self, path: &str) -> Result<Url, String> {
        Url::parse(&format!("http://{}{path}", self.address)).map_err(unexpected)
    }

    /// What the header `host` must say.
    pub(super) fn host(&self) -> String {
        self.address.to_string()
    }

    /// The requests so far.
    pub(super) fn heard(&self) -> Result<Vec<Heard>, String> {
        Ok(self.heard.lock().map_err(unexpected)?.clone())
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the thread, which sees that it is over.
        drop(TcpStream::connect(self.address));
    }
}

fn listen() -> Result<TcpListener, String> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(unexpected)
}

fn serve(
    listener: &TcpListener,
    heard: &Mutex<Vec<Heard>>,
    over: &AtomicBool,
    mut script: impl FnMut(&mut Wire),
) {
    for stream in listener.incoming().map_while(Result::ok) {
        if over.load(Ordering::SeqCst) {
            return;
        }
        let patient = stream.set_read_timeout(Some(PATIENCE));
        let Ok(Some(request)) = patient.and_then(|()| Heard::read(&stream)) else { continue };
        heard.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let mut wire = Wire(stream);
        script(&mut wire);
        drop(wire.0.shutdown(Shutdown::Both));
    }
}
