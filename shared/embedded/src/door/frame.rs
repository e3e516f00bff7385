//! One value on the wire: its length in four bytes, then JSON.

use std::io;

use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Longest frame in bytes: the largest commit as base64, with room for its keys.
const MOST_BYTES: usize = 2 * ports::MAX_COMMIT_BYTES;

pub(super) async fn write(stream: &mut TcpStream, value: &impl Serialize) -> io::Result<()> {
    let body = serde_json::to_vec(value)?;
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= MOST_BYTES);
    let length = length.ok_or_else(|| io::Error::other("too much for one frame"))?;
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend(body);
    stream.write_all(&frame).await
}

pub(super) async fn read<T: DeserializeOwned>(stream: &mut TcpStream) -> io::Result<T> {
    let length = usize::try_from(stream.read_u32().await?).unwrap_or(usize::MAX);
    if length > MOST_BYTES {
        return Err(io::Error::other("too much for one frame"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(serde_json::from_slice(&body)?)
}
