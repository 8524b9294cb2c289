//! Byte streams to a port: from this machine, or from a host through its own connection.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A connection to a port, whatever it runs over.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Why there is no connection to a port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForwardError {
    /// The host does not let this login forward connections, or cannot.
    #[error("the host allows no forwarding ({0})")]
    Forbidden(String),
    /// Nobody answers at that port.
    #[error("no connection to {address}: {reason}")]
    Refused {
        /// Host and port.
        address: String,
        /// Why.
        reason: String,
    },
    /// The connection to the host itself is gone.
    #[error("the connection to the host is lost ({0})")]
    Lost(String),
}

/// Connects to a port from this machine.
///
/// # Errors
/// When nobody answers there within that time.
pub async fn dial(host: &str, port: u16, within: Duration) -> Result<Box<dyn Stream>, ForwardError> {
    let refused = |reason: String| ForwardError::Refused { address: format!("{host}:{port}"), reason };
    match tokio::time::timeout(within, TcpStream::connect((host, port))).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => Err(refused(error.to_string())),
        Err(_) => Err(refused(format!("no answer within {} s", within.as_secs_f32()))),
    }
}
