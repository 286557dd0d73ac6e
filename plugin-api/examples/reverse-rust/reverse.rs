//! A whole tool plugin in Rust without crates: it reverses the characters of a text. Builds with rustc 1.63 and
//! later, by build.sh.
#![allow(non_camel_case_types)]
use std::ffi::c_void;
use std::mem::size_of;
use std::os::raw::c_char;

// The part of openclaw/abi.h, plugin.h and tool.h that is used here.

#[repr(C)]
#[derive(Clone, Copy)]
pub struct oc_str {
    ptr: *const u8,
    len: usize,
}
#[repr(C)]
pub struct oc_call {
    struct_size: u32,
    flags: u32,
    op: u64,
    deadline_ns: u64,
    trace: oc_str,
}
#[repr(C)]
pub struct oc_error {
    struct_size: u32,
    code: i32,
    message: [u8; 504],
}
#[repr(C)]
pub struct oc_create_args {
    struct_size: u32,
    flags: u32,
    instance_id: oc_str,
    config_json: oc_str,
    state_dir: oc_str,
}
#[repr(C)]
pub struct oc_host {
    struct_size: u32,
    abi_major: u16,
    abi_minor: u16,
    ctx: *mut c_void,
    get_service: extern "C" fn(*mut c_void, *const c_char) -> *const c_void,
    complete: extern "C" fn(*mut c_void, u64, i32, oc_str),
    progress: extern "C" fn(*mut c_void, u64, u32, oc_str) -> i32,
    log: extern "C" fn(*mut c_void, i32, oc_str, oc_str),
}
type Slot = extern "C" fn(*mut Reverse, *const oc_call) -> i32;
#[repr(C)]
pub struct oc_tool_v1 {
    struct_size: u32,
    reserved: u32,
    list: Slot,
    invoke: extern "C" fn(*mut Reverse, *const oc_call, oc_str, oc_str, oc_str) -> i32,
}
#[repr(C)]
pub struct oc_plugin_entry {
    magic: u32,
    abi_major: u16,
    abi_minor: u16,
    struct_size: u32,
    host_min_minor: u16,
    reserved: u16,
    manifest_json: oc_str,
    create: extern "C" fn(*const oc_host, *const oc_create_args, *mut *mut Reverse, *mut oc_error) -> i32,
    destroy: extern "C" fn(*mut Reverse),
    get_interface: extern "C" fn(*mut Reverse, *const c_char) -> *const c_void,
    start: Slot,
    stop: Slot,
    cancel: extern "C" fn(*mut Reverse, u64),
    resume: Option<extern "C" fn(*mut Reverse, u64)>,
    reconfigure: Option<extern "C" fn(*mut Reverse, *const oc_call, oc_str) -> i32>,
}
// Constant tables without interior mutability.
unsafe impl Sync for oc_plugin_entry {}
unsafe impl Sync for oc_tool_v1 {}

const OC_OK: i32 = 0;
const OC_INVALID_ARGUMENT: i32 = 2;
const OC_NOT_FOUND: i32 = 4;

// The plugin.

pub struct Reverse {
    host: *const oc_host,
}

fn bytes<'a>(text: oc_str) -> &'a [u8] {
    // An empty view may carry a null pointer.
    if text.len == 0 {
        return &[];
    }
    unsafe { std::slice::from_raw_parts(text.ptr, text.len) }
}

fn finish(me: *mut Reverse, call: *const oc_call, json: &str) -> i32 {
    unsafe {
        let host = &*(*me).host;
        let text = oc_str { ptr: json.as_ptr(), len: json.len() };
        (host.complete)(host.ctx, (*call).op, OC_OK, text);
    }
    OC_OK
}

/// The value of "text" in `{"text":"..."}`, still as JSON writes it. A real plugin would parse.
fn text_argument(args: &str) -> Option<&str> {
    let begin = args.find(":\"")? + 2;
    let end = args.rfind('"')?;
    args.get(begin..end)
}

extern "C" fn create(
    host: *const oc_host,
    _args: *const oc_create_args,
    out: *mut *mut Reverse,
    _error: *mut oc_error,
) -> i32 {
    unsafe { *out = Box::into_raw(Box::new(Reverse { host })) };
    OC_OK
}
extern "C" fn destroy(me: *mut Reverse) {
    drop(unsafe { Box::from_raw(me) });
}
extern "C" fn start_or_stop(me: *mut Reverse, call: *const oc_call) -> i32 {
    finish(me, call, "{}")
}
extern "C" fn cancel(_me: *mut Reverse, _op: u64) {}

extern "C" fn list(me: *mut Reverse, call: *const oc_call) -> i32 {
    finish(me, call, r#"{"tools":[{"name":"reverse"}]}"#)
}
extern "C" fn invoke(me: *mut Reverse, call: *const oc_call, tool: oc_str, args: oc_str, _context: oc_str) -> i32 {
    // Any other status than OC_OK means: not accepted, so not completed.
    if bytes(tool) != b"reverse" {
        return OC_NOT_FOUND;
    }
    let text = match std::str::from_utf8(bytes(args)).ok().and_then(text_argument) {
        Some(text) if !text.contains('\\') => text,
        _ => return OC_INVALID_ARGUMENT,
    };
    let reversed: String = text.chars().rev().collect();
    finish(me, call, &format!(r#"{{"content":[{{"type":"text","text":"{}"}}]}}"#, reversed))
}

static TOOL: oc_tool_v1 = oc_tool_v1 { struct_size: size_of::<oc_tool_v1>() as u32, reserved: 0, list, invoke };

extern "C" fn get_interface(_me: *mut Reverse, id: *const c_char) -> *const c_void {
    let id = unsafe { std::ffi::CStr::from_ptr(id) };
    if id.to_bytes() == b"openclaw.tool/1" {
        &TOOL as *const oc_tool_v1 as *const c_void
    } else {
        std::ptr::null()
    }
}

// The very text that lies beside the library.
const MANIFEST: &str = include_str!("openclaw.plugin.json");

#[no_mangle]
pub static openclaw_plugin_v1: oc_plugin_entry = oc_plugin_entry {
    magic: 0x314C_434F,
    abi_major: 1,
    abi_minor: 0,
    struct_size: size_of::<oc_plugin_entry>() as u32,
    host_min_minor: 0,
    reserved: 0,
    manifest_json: oc_str { ptr: MANIFEST.as_ptr(), len: MANIFEST.len() },
    create,
    destroy,
    get_interface,
    start: start_or_stop,
    stop: start_or_stop,
    cancel,
    resume: None,
    reconfigure: None,
};

// The ELF note that names the plugin without loading it.
#[repr(C, align(4))]
pub struct Note([u32; 3], [u8; 12], [u16; 2], [u8; 60]);
const fn id(text: &[u8]) -> [u8; 60] {
    let mut out = [0; 60];
    let mut i = 0;
    while i < text.len() {
        out[i] = text[i];
        i += 1;
    }
    out
}
#[used]
#[link_section = ".note.openclaw"]
pub static NOTE: Note = Note([9, 64, 1], *b"OpenClaw\0\0\0\0", [1, 0], id(b"reverse"));
