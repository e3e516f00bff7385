//! CONNECT: the proxy through which Microsoft's own host names lead to the simulator.
//!
//! A real client that cannot be told other addresses (rclone, a script) is told of a proxy instead.
//! It leads nowhere else.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Longest head of a CONNECT request, in bytes.
const MOST_HEAD: usize = 8 * 1024;

/// Answers a CONNECT request; whether a tunnel follows.
pub(super) async fn open(stream: &mut TcpStream) -> std::io::Result<bool> {
    let Some(head) = head(stream).await? else { return Ok(false) };
    let leads_here = target(&head).is_some_and(is_simulated);
    let answer = if leads_here {
        "HTTP/1.1 200 Connection established\r\n\r\n"
    } else {
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 59\r\nconnection: close\r\n\r\n\
         This proxy leads to the simulated Microsoft 365 and only it"
    };
    stream.write_all(answer.as_bytes()).await?;
    Ok(leads_here)
}

/// Reads the head byte by byte: what follows it belongs to the tunnel.
async fn head(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MOST_HEAD {
            return Ok(None);
        }
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8(head).ok())
}

/// The host of `CONNECT host:port HTTP/1.1`.
fn target(head: &str) -> Option<&str> {
    let mut words = head.lines().next()?.split(' ');
    if words.next() != Some("CONNECT") {
        return None;
    }
    let (host, port) = words.next()?.rsplit_once(':')?;
    (port == "443").then_some(host)
}

fn is_simulated(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let named = [
        "graph.microsoft.com",
        "login.microsoftonline.com",
        "outlook.office365.com",
        "outlook.office.com",
    ];
    named.contains(&host.as_str()) || host.ends_with(".sharepoint.com")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_simulated_services_are_reached() {
        let asked = |line: &str| target(&format!("{line}\r\n\r\n")).is_some_and(is_simulated);
        assert!(asked("CONNECT graph.microsoft.com:443 HTTP/1.1"));
        assert!(asked("CONNECT Contoso-My.SharePoint.com:443 HTTP/1.1"));
        assert!(!asked("CONNECT graph.microsoft.com:25 HTTP/1.1"));
        assert!(!asked("CONNECT graph.microsoft.com.evil.example:443 HTTP/1.1"));
        assert!(!asked("CONNECT 127.0.0.1:443 HTTP/1.1"));
        assert!(!asked("COPY graph.microsoft.com:443 HTTP/1.1"));
        assert!(!asked(""));
    }
}
