//! Blanks what cut-off panics leave in the data of a finished wasm: places in sources, and std's messages.
//!
//! No pass of wasm-opt removes data. Blanked is only what is recognised by its form or its text and what no constant
//! of the code and no other data points to; a text that is not recognised costs bytes, nothing else.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use std::collections::BTreeSet;
use std::ops::Range;
use wasmparser::{DataKind, Operator, Parser, Payload};

/// std's messages that only panics use.
const MESSAGES: [&str; 18] = [
    // Pairs of decimal digits, from which numbers in messages are put together.
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899",
    "`async fn` resumed after completion",
    "RefCell already borrowed",
    "RefCell already mutably borrowed",
    "LayoutError",
    "AccessError",
    "mid > len",
    "called `Option::unwrap()` on a `None` value",
    "called `Result::unwrap()` on an `Err` value",
    "insertion index (is ",
    "removal index (is ",
    "swap_remove index (is ",
    ") should be <= len (is ",
    ") should be < len (is ",
    "capacity overflow",
    "attempt to join into collection with len > usize::MAX",
    "cannot access a Thread Local Storage value during or after destruction: ",
    "Tried to shrink to a larger capacity",
];

/// Blanks them in `wasm`, a whole module.
pub(crate) fn blank(wasm: &mut [u8]) -> Result<(), wasmparser::BinaryReaderError> {
    let Memory { first, mut bytes, segments, constants } = Memory::read(wasm)?;
    let at = |address: u32| usize::try_from(address.wrapping_sub(first)).unwrap_or(usize::MAX);
    let word = |bytes: &[u8], at: usize| {
        let word = bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(word.try_into().ok()?))
    };
    let address = |at: usize| u32::try_from(at).map_or(0, |at| first.wrapping_add(at));
    let pointed = |targets: &BTreeSet<u32>, place: &Range<usize>| {
        targets.range(address(place.start)..address(place.end)).next().is_some()
    };
    // A place: pointer to the file's name, length of that, line, column.
    let place = |bytes: &[u8], start: usize| {
        let name = at(word(bytes, start)?);
        let name = name..name.checked_add(usize::try_from(word(bytes, start.checked_add(4)?)?).ok()?)?;
        let is_name = |text: &[u8]| text.ends_with(b".rs") && text.iter().all(u8::is_ascii_graphic);
        bytes.get(name.clone()).is_some_and(is_name).then_some(name)
    };
    let mut names = Vec::new();
    for start in (0..bytes.len()).step_by(4) {
        let whole = start..start.saturating_add(16);
        if let Some(name) = place(&bytes, start).filter(|_| !pointed(&constants, &whole)) {
            names.push(name);
            bytes.get_mut(whole).unwrap_or_default().fill(0);
        }
    }
    for message in MESSAGES {
        let found = bytes.windows(message.len()).position(|part| part == message.as_bytes());
        names.extend(found.map(|start| start..start.saturating_add(message.len())));
    }
    let mut targets = constants;
    targets.extend((0..bytes.len()).step_by(4).filter_map(|at| word(&bytes, at)));
    for name in names {
        if !pointed(&targets, &name) {
            bytes.get_mut(name).unwrap_or_default().fill(0);
        }
    }
    for (address, in_file) in segments {
        let from = bytes.get(at(address)..at(address).saturating_add(in_file.len()));
        if let (Some(from), Some(to)) = (from, wasm.get_mut(in_file)) {
            to.copy_from_slice(from);
        }
    }
    Ok(())
}

/// The memory as a module sets it up, and every number in its code that could be an address.
struct Memory {
    /// The address of the first byte.
    first: u32,
    bytes: Vec<u8>,
    /// Each segment's address, and its place in the file.
    segments: Vec<(u32, Range<usize>)>,
    constants: BTreeSet<u32>,
}

impl Memory {
    fn read(wasm: &[u8]) -> Result<Self, wasmparser::BinaryReaderError> {
        let (mut segments, mut constants) = (Vec::new(), BTreeSet::new());
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::CodeSectionEntry(body) => {
                    for operator in body.get_operators_reader()? {
                        constants.extend(number(&operator?));
                    }
                }
                Payload::DataSection(section) => {
                    for data in section {
                        let data = data?;
                        let DataKind::Active { offset_expr, .. } = data.kind else { continue };
                        let address = number(&offset_expr.get_operators_reader().read()?);
                        let start = data.range.end.saturating_sub(data.data.len());
                        segments.extend(address.map(|address| (address, start..data.range.end)));
                    }
                }
                _ => {}
            }
        }
        // Aligned, so that words are where the program sees them.
        let first = segments.iter().map(|(address, _)| *address).min().unwrap_or(0) & !3;
        let mut bytes = Vec::new();
        for (address, in_file) in &segments {
            let start = usize::try_from(address.wrapping_sub(first)).unwrap_or(0);
            let end = start.saturating_add(in_file.len());
            bytes.resize(bytes.len().max(end), 0);
            if let (Some(to), Some(from)) = (bytes.get_mut(start..end), wasm.get(in_file.clone())) {
                to.copy_from_slice(from);
            }
        }
        Ok(Self { first, bytes, segments, constants })
    }
}

/// A constant, or the offset of an access to memory.
fn number(operator: &Operator<'_>) -> Option<u32> {
    use Operator::{
        F32Load, F32Store, F64Load, F64Store, I32Const, I32Load, I32Load8S, I32Load8U, I32Load16S,
        I32Load16U, I32Store, I32Store8, I32Store16, I64Load, I64Load8S, I64Load8U, I64Load16S, I64Load16U,
        I64Load32S, I64Load32U, I64Store, I64Store8, I64Store16, I64Store32,
    };
    match operator {
        I32Const { value } => Some(value.cast_unsigned()),
        I32Load { memarg }
        | I32Load8S { memarg }
        | I32Load8U { memarg }
        | I32Load16S { memarg }
        | I32Load16U { memarg }
        | I64Load { memarg }
        | I64Load8S { memarg }
        | I64Load8U { memarg }
        | I64Load16S { memarg }
        | I64Load16U { memarg }
        | I64Load32S { memarg }
        | I64Load32U { memarg }
        | F32Load { memarg }
        | F64Load { memarg }
        | I32Store { memarg }
        | I32Store8 { memarg }
        | I32Store16 { memarg }
        | I64Store { memarg }
        | I64Store8 { memarg }
        | I64Store16 { memarg }
        | I64Store32 { memarg }
        | F32Store { memarg }
        | F64Store { memarg } => u32::try_from(memarg.offset).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walrus::{ConstExpr, FunctionBuilder, Module, ModuleConfig, ValType, ir::Value};

    /// A module with this memory from 1024 on, and a function that returns this number.
    fn module(data: &[u8], number: i32) -> Vec<u8> {
        let mut module = Module::with_config(ModuleConfig::new());
        let memory = module.memories.add_local(false, false, 1, None, None);
        let offset = ConstExpr::Value(Value::I32(1024));
        module.data.add(walrus::DataKind::Active { memory, offset }, data.to_vec());
        let mut builder = FunctionBuilder::new(&mut module.types, &[], &[ValType::I32]);
        builder.func_body().i32_const(number);
        let function = builder.finish(Vec::new(), &mut module.funcs);
        module.exports.add("f", function);
        module.emit_wasm()
    }

    /// A place in `src/a.rs`, that name, a message and a text.
    fn data() -> Vec<u8> {
        let place = [1040u32, 8, 7, 9].map(u32::to_le_bytes).concat();
        [&place[..], b"src/a.rs", b"capacity overflow", b"some text"].concat()
    }

    fn blanked(number: i32) -> Vec<u8> {
        let mut wasm = module(&data(), number);
        blank(&mut wasm).unwrap();
        Memory::read(&wasm).unwrap().bytes
    }

    #[test]
    fn what_nothing_points_to_is_blanked_and_other_texts_stay() {
        let bytes = blanked(0);
        assert!(bytes[..41].iter().all(|byte| *byte == 0));
        assert_eq!(&bytes[41..], b"some text");
    }

    #[test]
    fn what_the_code_points_to_stays_with_all_that_it_needs() {
        assert_eq!(blanked(1024)[..24], data()[..24]);
        assert_eq!(&blanked(1048)[24..41], b"capacity overflow");
    }
}
