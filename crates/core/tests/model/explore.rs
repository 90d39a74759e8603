//! Every state a model can reach, breadth first: the first fault found is one of the shortest.

use std::collections::{HashMap, VecDeque};
use std::fmt::{self, Display};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// What may happen in a state.
pub(crate) struct Next<M: Model + ?Sized> {
    pub(crate) step: M::Step,
    pub(crate) state: M::State,
    /// The system itself does it, sooner or later. What is not helpful may happen or not: a crash, a
    /// lost answer, somebody's wish.
    pub(crate) helpful: bool,
}

pub(crate) trait Model {
    type State: Eq + Hash;
    type Step: Copy;

    fn start(&mut self) -> Self::State;
    fn next(&mut self, state: &Self::State) -> Vec<Next<Self>>;
    /// The law that does not hold in a state.
    fn broken(&self, state: &Self::State) -> Option<String>;
    /// Whether nothing has to follow.
    fn done(&self, state: &Self::State) -> bool;
    /// The law of a state from which nothing helpful leads to where all is done.
    fn stuck(&self) -> String;
    /// A step in words.
    fn tell(&self, before: &Self::State, step: Self::Step, after: &Self::State) -> String;
}

/// What an exploration came to.
pub(crate) struct Explored {
    pub(crate) states: usize,
    pub(crate) steps: usize,
    /// How many steps the farthest state is away.
    pub(crate) depth: usize,
    pub(crate) took: Duration,
    pub(crate) fault: Option<Fault>,
}

/// A law that does not hold, and how it came to that.
pub(crate) struct Fault {
    pub(crate) law: String,
    pub(crate) story: Vec<String>,
}

impl Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, steps, depth, took, fault } = self;
        write!(f, "{states} states, {steps} steps, depth {depth}, {:.1} s", took.as_secs_f64())?;
        match fault {
            None => Ok(()),
            Some(fault) => write!(f, "\n{fault}"),
        }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, line) in (1..).zip(&self.story) {
            writeln!(f, "{at:>4}. {line}")?;
        }
        write!(f, "   => {}", self.law)
    }
}

/// A hash that costs little in a build that is not optimised. States are made of small numbers, and
/// nobody chooses them with malice.
#[derive(Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    fn write_isize(&mut self, n: isize) {
        self.write_u64(n as u64);
    }
}

/// The states found so far.
struct Graph<M: Model> {
    known: HashMap<Rc<M::State>, u32, BuildHasherDefault<Quick>>,
    states: Vec<Rc<M::State>>,
    /// From where, and by what, each was found first.
    parents: Vec<Option<(u32, M::Step)>>,
    /// Steps that are helpful, from and to.
    helpful: Vec<(u32, u32)>,
}

impl<M: Model> Graph<M> {
    /// The number of a state, and whether it is new.
    fn put(&mut self, state: M::State, parent: Option<(u32, M::Step)>) -> (u32, bool) {
        if let Some(at) = self.known.get(&state) {
            return (*at, false);
        }
        let (at, state) = (u32::try_from(self.states.len()).unwrap(), Rc::new(state));
        self.known.insert(Rc::clone(&state), at);
        self.states.push(state);
        self.parents.push(parent);
        (at, true)
    }

    fn fault(&self, model: &M, law: String, at: u32) -> Fault {
        let mut story = Vec::new();
        let mut here = at;
        while let Some((from, step)) = self.parents[here as usize] {
            story.push(model.tell(&self.states[from as usize], step, &self.states[here as usize]));
            here = from;
        }
        story.reverse();
        Fault { law, story }
    }

    /// The first state from which nothing helpful leads to where all is done.
    fn stuck(&self, model: &M) -> Option<u32> {
        // Steps by where they lead to.
        let mut starts = vec![0_u32; self.states.len() + 1];
        self.helpful.iter().for_each(|(_, to)| starts[*to as usize + 1] += 1);
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let (mut free, mut sources) = (starts.clone(), vec![0_u32; self.helpful.len()]);
        for (from, to) in &self.helpful {
            let place = &mut free[*to as usize];
            sources[*place as usize] = *from;
            *place += 1;
        }
        let mut fine: Vec<bool> = self.states.iter().map(|state| model.done(state)).collect();
        let mut queue: Vec<usize> = (0..fine.len()).filter(|at| fine[*at]).collect();
        while let Some(at) = queue.pop() {
            for from in &sources[starts[at] as usize..starts[at + 1] as usize] {
                if !std::mem::replace(&mut fine[*from as usize], true) {
                    queue.push(*from as usize);
                }
            }
        }
        fine.iter().position(|fine| !fine).map(|at| u32::try_from(at).unwrap())
    }
}

/// Explores everything, or until a law is broken. Fails beyond `most` states.
pub(crate) fn explore<M: Model>(model: &mut M, most: usize) -> Explored {
    let begun = Instant::now();
    let mut graph: Graph<M> =
        Graph { known: HashMap::default(), states: vec![], parents: vec![], helpful: vec![] };
    let start = model.start();
    graph.put(start, None);
    let mut queue = VecDeque::from([(0_u32, 0_usize)]);
    let (mut steps, mut depth) = (0, 0);
    let mut fault = None;
    'all: while let Some((at, far)) = queue.pop_front() {
        depth = far;
        let here = Rc::clone(&graph.states[at as usize]);
        for Next { step, state, helpful } in model.next(&here) {
            steps += 1;
            let law = model.broken(&state);
            let (to, is_new) = graph.put(state, Some((at, step)));
            if let Some(law) = law {
                fault = Some(graph.fault(model, law, to));
                break 'all;
            }
            if is_new {
                queue.push_back((to, far + 1));
            }
            if helpful {
                graph.helpful.push((at, to));
            }
        }
        assert!(graph.states.len() <= most, "more than {most} states: the bounds of the model are too wide");
    }
    if fault.is_none() {
        fault = graph.stuck(model).map(|at| graph.fault(model, model.stuck(), at));
    }
    Explored { states: graph.states.len(), steps, depth, took: begun.elapsed(), fault }
}
