//! Numbers the locals of a finished wasm anew, so that gzip finds more that is alike in its code.
//!
//! What a local is called changes nothing, but a third of the code's bytes are such names. Two locals of a function that
//! have one type change places where the code then has fewer different stretches of a few bytes: what gzip can point back
//! to, it need not write. Places are tried in order until nothing gets better, so the outcome is the same every time.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use wasmparser::{BinaryReaderError, FunctionBody, Operator, Parser, Payload};

/// The stretches that are counted, in bytes: gzip's shortest match, and some longer ones.
const STRETCHES: [usize; 5] = [3, 4, 5, 6, 8];
const LONGEST: usize = 8;
/// Numbers from here on take two bytes; they stay as they are.
const TWO_BYTES: usize = 128;
/// What more would bring is a few bytes in a thousand of what these do.
const ROUNDS: usize = 4;

/// Numbers the locals of `wasm`, a whole module, anew, in place.
pub(crate) fn renumber(wasm: &mut [u8]) -> Result<(), BinaryReaderError> {
    let mut groups = read(wasm)?;
    let mut seen = Seen::new(wasm);
    for _ in 0..ROUNDS {
        let before = seen.different;
        for group in &mut groups {
            group.improve(wasm, &mut seen);
        }
        if seen.different == before {
            break;
        }
    }
    Ok(())
}

/// Locals of one function and one type, declared in a row.
struct Group {
    /// The number of each, and where the code names it.
    locals: Vec<(u8, Vec<usize>)>,
}

impl Group {
    /// Has each two change places where that is better.
    fn improve(&mut self, wasm: &mut [u8], seen: &mut Seen) {
        for second in 1..self.locals.len() {
            let (earlier, later) = self.locals.split_at_mut(second);
            let Some((name, uses)) = later.first_mut() else { return };
            for (other_name, other_uses) in earlier {
                let mut starts: Vec<usize> =
                    uses.iter().chain(&*other_uses).flat_map(stretches_over).collect();
                starts.sort_unstable();
                starts.dedup();
                let before = seen.different;
                seen.leave(wasm, &starts);
                write(wasm, uses, *other_name);
                write(wasm, other_uses, *name);
                seen.enter(wasm, &starts);
                if seen.different < before {
                    std::mem::swap(uses, other_uses);
                    continue;
                }
                seen.leave(wasm, &starts);
                write(wasm, uses, *name);
                write(wasm, other_uses, *other_name);
                seen.enter(wasm, &starts);
            }
        }
    }
}

/// Where the stretches begin that a byte is part of.
fn stretches_over(at: &usize) -> std::ops::RangeInclusive<usize> {
    at.saturating_sub(LONGEST - 1)..=*at
}

fn write(wasm: &mut [u8], places: &[usize], name: u8) {
    for at in places {
        if let Some(byte) = wasm.get_mut(*at) {
            *byte = name;
        }
    }
}

/// How often each stretch of bytes is there.
struct Seen {
    /// By a hash of the stretch; two that share one count as alike.
    counts: Vec<u32>,
    /// How many have a count.
    different: usize,
}

impl Seen {
    fn new(wasm: &[u8]) -> Self {
        let mut seen = Self { counts: vec![0; 1 << 22], different: 0 };
        let all: Vec<usize> = (0..wasm.len()).collect();
        seen.enter(wasm, &all);
        seen
    }

    /// The counts of the stretches that begin there.
    fn each(&mut self, wasm: &[u8], starts: &[usize], mut change: impl FnMut(&mut u32, &mut usize)) {
        for start in starts {
            for length in STRETCHES {
                let stretch = wasm.get(*start..start.saturating_add(length)).unwrap_or_default();
                let hash = stretch.iter().fold(length, |hash, byte| {
                    (hash ^ usize::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_right(29)
                });
                let at = hash & self.counts.len().saturating_sub(1);
                if let Some(count) = self.counts.get_mut(at) {
                    change(count, &mut self.different);
                }
            }
        }
    }

    fn enter(&mut self, wasm: &[u8], starts: &[usize]) {
        self.each(wasm, starts, |count, different| {
            *different = different.saturating_add(usize::from(*count == 0));
            *count = count.saturating_add(1);
        });
    }

    fn leave(&mut self, wasm: &[u8], starts: &[usize]) {
        self.each(wasm, starts, |count, different| {
            *count = count.saturating_sub(1);
            *different = different.saturating_sub(usize::from(*count == 0));
        });
    }
}

/// All groups of two locals or more.
fn read(wasm: &[u8]) -> Result<Vec<Group>, BinaryReaderError> {
    let (mut types, mut signatures, mut groups) = (Vec::new(), Vec::new(), Vec::new());
    let mut bodies = 0_usize;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    types.push(ty?.params().len());
                }
            }
            Payload::FunctionSection(section) => {
                signatures = section.into_iter().collect::<Result<Vec<u32>, _>>()?;
            }
            Payload::CodeSectionEntry(body) => {
                let signature = signatures.get(bodies).and_then(|at| types.get(usize::try_from(*at).ok()?));
                bodies = bodies.saturating_add(1);
                groups.extend(of_function(&body, signature.copied().unwrap_or_default())?);
            }
            _ => {}
        }
    }
    Ok(groups)
}

fn of_function(body: &FunctionBody<'_>, parameters: usize) -> Result<Vec<Group>, BinaryReaderError> {
    let mut uses: Vec<Vec<usize>> = vec![Vec::new(); TWO_BYTES];
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        let at = operators.original_position();
        let (Operator::LocalGet { local_index: index }
        | Operator::LocalSet { local_index: index }
        | Operator::LocalTee { local_index: index }) = operators.read()?
        else {
            continue;
        };
        if let Some(places) = usize::try_from(index).ok().and_then(|index| uses.get_mut(index)) {
            // Behind the byte of the operator.
            places.push(at.saturating_add(1));
        }
    }
    let mut rest = (0_u8..).zip(uses).skip(parameters);
    let mut groups = Vec::new();
    for run in body.get_locals_reader()? {
        let (count, _) = run?;
        let locals: Vec<_> = rest.by_ref().take(usize::try_from(count).unwrap_or(usize::MAX)).collect();
        groups.push(Group { locals });
    }
    groups.retain(|group| group.locals.len() > 1);
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function's code with three 32-bit locals and a 64-bit one behind its parameter; it reads those named.
    fn reading(names: &[u8]) -> Vec<u8> {
        let mut body = vec![2, 3, 0x7f, 1, 0x7e];
        body.extend(names.iter().flat_map(|name| [0x20, *name, 0x1a]));
        body.push(0x0b);
        body
    }

    fn section(id: u8, items: &[Vec<u8>]) -> Vec<u8> {
        let mut content = vec![u8::try_from(items.len()).unwrap()];
        content.extend(items.concat());
        [vec![id, u8::try_from(content.len()).unwrap()], content].concat()
    }

    /// A module of functions with one 32-bit parameter.
    fn module(bodies: &[Vec<u8>]) -> Vec<u8> {
        let sized = |body: &Vec<u8>| [vec![u8::try_from(body.len()).unwrap()], body.clone()].concat();
        let types = section(1, &[vec![0x60, 1, 0x7f, 0]]);
        let functions = section(3, &vec![vec![0]; bodies.len()]);
        let code = section(10, &bodies.iter().map(sized).collect::<Vec<_>>());
        [b"\0asm\x01\0\0\0".to_vec(), types, functions, code].concat()
    }

    #[test]
    fn functions_that_differ_in_names_of_locals_become_alike() {
        let first = reading(&[1, 2, 1, 1, 2, 2, 0]);
        let mut wasm = module(&[first.clone(), reading(&[2, 1, 2, 2, 1, 1, 0])]);
        renumber(&mut wasm).unwrap();
        let mut bodies = wasm.rchunks(first.len() + 1);
        assert_eq!(bodies.next(), bodies.next());
    }

    #[test]
    fn parameters_and_locals_of_other_types_keep_their_numbers() {
        // The second would be like the first if its parameter, or its 64-bit local, had another number.
        let given = module(&[reading(&[0, 4, 0, 4, 1]), reading(&[4, 0, 4, 0, 1])]);
        let mut wasm = given.clone();
        renumber(&mut wasm).unwrap();
        assert_eq!(wasm, given);
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        let mut wasm = module(&[reading(&[1, 2])]);
        wasm.truncate(wasm.len() - 3);
        assert!(renumber(&mut wasm).is_err());
    }
}
