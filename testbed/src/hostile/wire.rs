//! One connection of a hostile server: packets, and the steps of a login for scripts that want to come further.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use super::crypt::{HostKey, Opening, Sealing};
use super::exchange::Exchange;
use super::message::{Fields, Message};

const SERVICE_REQUEST: u8 = 5;
const SERVICE_ACCEPT: u8 = 6;
const LOGIN_REQUEST: u8 = 50;
const LOGIN_SUCCESS: u8 = 52;
const CHANNEL_OPEN: u8 = 90;
const CHANNEL_CONFIRMED: u8 = 91;
const CHANNEL_REQUEST: u8 = 98;
const CHANNEL_SUCCESS: u8 = 99;

/// The largest packet that a client may send here.
const PACKET_LIMIT: usize = 1 << 20;

/// A channel on which the client wants to run a command.
#[derive(Debug, Clone)]
pub struct Channel {
    /// The number that messages to the client carry.
    pub theirs: u32,
    /// How much the client is ready to take.
    pub window: u32,
    /// The command.
    pub command: String,
}

/// One way of a connection.
struct Way<K> {
    key: Option<K>,
    sequence: u32,
}

impl<K> Way<K> {
    const PLAIN: Self = Self { key: None, sequence: 0 };

    fn next(&mut self) -> u32 {
        let this = self.sequence;
        self.sequence = this.wrapping_add(1);
        this
    }

    fn rekey(&mut self, key: K, reset: bool) {
        self.key = Some(key);
        if reset {
            self.sequence = 0;
        }
    }
}

/// A connection.
pub struct Wire {
    reader: BufReader<TcpStream>,
    stream: TcpStream,
    host_key: Arc<HostKey>,
    sending: Way<Sealing>,
    receiving: Way<Opening>,
    their_version: Vec<u8>,
    session: Option<Vec<u8>>,
    /// Told when the client names a user.
    login_begun: Box<dyn Fn() + Send>,
}

impl Wire {
    pub(crate) const VERSION: &str = "SSH-2.0-Hostile_1";

    pub(crate) fn new(
        stream: TcpStream,
        host_key: Arc<HostKey>,
        login_begun: Box<dyn Fn() + Send>,
    ) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let reader = BufReader::new(stream.try_clone()?);
        let (sending, receiving) = (Way::PLAIN, Way::PLAIN);
        Ok(Self { reader, stream, host_key, sending, receiving, their_version: Vec::new(), session: None, login_begun })
    }

    pub(crate) fn host_key(&self) -> &HostKey {
        &self.host_key
    }

    pub(crate) fn their_version(&self) -> &[u8] {
        &self.their_version
    }

    /// The hash of the first exchange, of which there may be more.
    pub(crate) fn session_id(&mut self, hash: &[u8]) -> Vec<u8> {
        self.session.get_or_insert_with(|| hash.to_vec()).clone()
    }

    pub(crate) fn seal_with(&mut self, key: Sealing, reset: bool) {
        self.sending.rekey(key, reset);
    }

    pub(crate) fn open_with(&mut self, key: Opening, reset: bool) {
        self.receiving.rekey(key, reset);
    }

    /// Sends bytes that are no packet.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends a message in a packet, encrypted once keys are there.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn send(&mut self, message: &Message) -> io::Result<()> {
        let payload = &message.0;
        // With keys the length does not count towards the blocks.
        let counted = payload.len() + if self.sending.key.is_some() { 1 } else { 5 };
        let padding = 4 + (8 - (counted + 4) % 8) % 8;
        let length = payload.len() + padding + 1;
        let mut packet = u32::try_from(length).map_err(io::Error::other)?.to_be_bytes().to_vec();
        packet.push(u8::try_from(padding).map_err(io::Error::other)?);
        packet.extend_from_slice(payload);
        packet.resize(packet.len() + padding, 0);
        let sequence = self.sending.next();
        if let Some(key) = &self.sending.key {
            key.seal(sequence, &mut packet);
        }
        self.stream.write_all(&packet)
    }

    /// The next message of the client.
    ///
    /// # Errors
    /// When it is gone, or breaks the protocol itself.
    pub fn receive(&mut self) -> io::Result<Vec<u8>> {
        let sequence = self.receiving.next();
        let mut packet = vec![0; 4];
        self.reader.read_exact(&mut packet)?;
        let head: [u8; 4] = packet.as_slice().try_into().map_err(io::Error::other)?;
        let length = self.receiving.key.as_ref().map_or(u32::from_be_bytes(head), |key| key.length(sequence, head));
        let length = usize::try_from(length).map_err(io::Error::other)?;
        if length > PACKET_LIMIT {
            return Err(io::Error::other("the client's packet is too long"));
        }
        packet.resize(length + 4, 0);
        self.reader.read_exact(packet.get_mut(4..).unwrap_or_default())?;
        let open = match &self.receiving.key {
            Some(key) => {
                let mut tag = [0; Opening::TAG];
                self.reader.read_exact(&mut tag)?;
                key.open(sequence, &mut packet, &tag)?
            }
            None => packet.get(4..).unwrap_or_default(),
        };
        let padding = open.first().map_or(0, |padding| usize::from(*padding));
        let payload = open.get(1..open.len().saturating_sub(padding)).unwrap_or_default();
        Ok(payload.to_vec())
    }

    /// The next message of this number; others before it are thrown away.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn receive_number(&mut self, number: u8) -> io::Result<Vec<u8>> {
        loop {
            let message = self.receive()?;
            if message.first() == Some(&number) {
                return Ok(message);
            }
        }
    }

    /// Says who is there, and listens to the same of the client.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn introduce(&mut self) -> io::Result<()> {
        self.send_raw(format!("{}\r\n", Self::VERSION).as_bytes())?;
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line)?;
        self.their_version = line.trim_ascii_end().to_vec();
        Ok(())
    }

    /// Waits for the client to log in, with the name and whatever else it gives, and lets it in.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn let_in(&mut self) -> io::Result<()> {
        self.receive_number(SERVICE_REQUEST)?;
        self.send(&Message::new(SERVICE_ACCEPT).string(b"ssh-userauth"))?;
        self.receive_number(LOGIN_REQUEST)?;
        (self.login_begun)();
        self.send(&Message::new(LOGIN_SUCCESS))
    }

    /// Introduction, keys and login as they ought to be.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn serve_login(&mut self) -> io::Result<()> {
        self.introduce()?;
        self.exchange_keys(&Exchange::default())?;
        self.let_in()
    }

    /// Waits for the client to open a channel: its number there, and how much it takes.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn opened(&mut self) -> io::Result<(u32, u32)> {
        let open = self.receive_number(CHANNEL_OPEN)?;
        let mut fields = Fields(open.get(1..).unwrap_or_default());
        let read = fields.string().and_then(|_| Some((fields.u32()?, fields.u32()?)));
        read.ok_or_else(|| io::Error::other("the client's request is too short"))
    }

    /// Confirms a channel, with this window for what the client sends.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn confirm(&mut self, theirs: u32, window: u32) -> io::Result<()> {
        self.send(&Message::new(CHANNEL_CONFIRMED).u32(theirs).u32(0).u32(window).u32(32_768))
    }

    /// Waits for the command on the channel that was confirmed.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn command(&mut self) -> io::Result<String> {
        loop {
            let request = self.receive_number(CHANNEL_REQUEST)?;
            let mut fields = Fields(request.get(5..).unwrap_or_default());
            let kind = fields.string().unwrap_or_default();
            fields.bytes(1);
            if kind == b"exec" {
                return Ok(String::from_utf8_lossy(fields.string().unwrap_or_default()).into_owned());
            }
        }
    }

    /// Everything as it ought to be until the client has asked for a command, which is not answered yet.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn serve_until_command(&mut self) -> io::Result<Channel> {
        self.serve_login()?;
        self.next_command()
    }

    /// The next channel of a client that is logged in, up to its command.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn next_command(&mut self) -> io::Result<Channel> {
        let (theirs, window) = self.opened()?;
        self.confirm(theirs, 2 << 20)?;
        let command = self.command()?;
        Ok(Channel { theirs, window, command })
    }

    /// Says that the command runs.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn accept(&mut self, channel: &Channel) -> io::Result<()> {
        self.send(&Message::new(CHANNEL_SUCCESS).u32(channel.theirs))
    }

    /// Closes the connection.
    ///
    /// # Errors
    /// When the client has closed it.
    pub fn hang_up(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Both)
    }
}
