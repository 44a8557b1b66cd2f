//! Carries out the faults of a phase: waits for each one's time, resolves its target, injects,
//! waits for its end, heals, and records what was measured.

use std::{sync::Arc, time::Duration};

use temblor_faults::{End, FaultSpec, Group, Placed, Schedule, Start};
use temblor_history::{FaultChange, FaultEvent, Measured};

use super::{acting, awaited::Awaited, context::Context, resolution};
use crate::cluster::ResolvedFault;

/// A target that is not there yet (no leader, a node that another fault holds) is looked for again
/// after this.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The bounds of the phase that faults live in, nanoseconds since the run began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PhaseBounds {
    pub(crate) began_ns: i64,
    pub(crate) ends_ns: i64,
}

/// Carries out one fault of a plan, all its occurrences, until its phase ends.
pub(crate) async fn carry_out(
    context: Arc<Context>,
    schedule: Arc<Schedule>,
    spec: FaultSpec,
    phase: PhaseBounds,
) {
    let injector = Injector { context, schedule, spec, phase };
    let mut occurrence = 0;
    let first = injector.schedule.first(&injector.spec);
    let Some(mut begin_at) =
        first_begin(&injector.context, &injector.spec.start, first, phase).await
    else {
        return injector.never_came(0);
    };
    loop {
        let Some(last) = injector.occur(occurrence, begin_at).await else { return };
        match injector.schedule.next(&injector.spec, occurrence, last.began, last.ended) {
            Some(next) => begin_at = injector.phase.began_ns + next.as_nanos() as i64,
            None => return,
        }
        occurrence += 1;
        if begin_at >= phase.ends_ns {
            return;
        }
    }
}

/// Carries out the faults of a group, round after round, until its phase ends.
pub(crate) async fn carry_out_group(
    context: Arc<Context>,
    schedule: Arc<Schedule>,
    group: Group,
    faults: Arc<Vec<FaultSpec>>,
    phase: PhaseBounds,
) {
    let injector = |spec: &FaultSpec| Injector {
        context: Arc::clone(&context),
        schedule: Arc::clone(&schedule),
        spec: spec.clone(),
        phase,
    };
    let Some(mut begin_at) =
        first_begin(&context, &group.start, schedule.first_round(&group), phase).await
    else {
        for spec in
            group.steps.iter().flat_map(|step| &step.faults).filter_map(|at| faults.get(*at))
        {
            injector(spec).never_came(0);
        }
        return;
    };
    let offset = |time: i64| Duration::from_nanos((time - phase.began_ns).max(0) as u64);
    for round in 0.. {
        context.sleep_until(begin_at.min(phase.ends_ns)).await;
        let began = context.clock.now_ns();
        for step in &group.steps {
            let chosen = schedule.chosen(step, round);
            let chosen: Vec<Injector> =
                chosen.into_iter().filter_map(|fault| faults.get(fault)).map(injector).collect();
            futures_util::future::join_all(chosen.iter().map(|one| one.in_turn(round))).await;
        }
        let (began, ended) = (offset(began), offset(context.clock.now_ns()));
        match schedule.next_round(&group, &faults, round, (began, ended)) {
            Some(next) => begin_at = phase.began_ns + next.as_nanos() as i64,
            None => return,
        }
        if context.is_ending() || begin_at >= phase.ends_ns {
            return;
        }
    }
}

/// When what begins so begins first; none when what it waits for did not come in its phase.
async fn first_begin(
    context: &Context,
    start: &Start,
    drawn: Option<Duration>,
    phase: PhaseBounds,
) -> Option<i64> {
    match start {
        Start::At(_) => Some(phase.began_ns + drawn?.as_nanos() as i64),
        Start::After(trigger) => {
            context.sleep_until(phase.began_ns).await;
            let awaited = Awaited::from_now(context, trigger);
            let came = wait_for(context, awaited, phase.ends_ns).await;
            came.then(|| context.clock.now_ns())
        }
    }
}

/// True when it happened, false when the time was up.
async fn wait_for(context: &Context, awaited: Awaited<'_>, until: i64) -> bool {
    tokio::select! {
        () = awaited.happens() => true,
        () = context.sleep_until(until) => false,
    }
}

/// When an occurrence took place, from the beginning of its phase.
struct Occurred {
    began: Duration,
    ended: Duration,
}

struct Injector {
    context: Arc<Context>,
    schedule: Arc<Schedule>,
    spec: FaultSpec,
    phase: PhaseBounds,
}

impl Injector {
    /// One occurrence of a fault of a group, whose turn is now.
    async fn in_turn(&self, round: u64) {
        let turn = self.context.clock.now_ns();
        let begin_at = match &self.spec.start {
            Start::At(_) => {
                let delay = self.schedule.delay(&self.spec, round).unwrap_or_default();
                turn + delay.as_nanos() as i64
            }
            Start::After(trigger) => {
                let awaited = Awaited::from_now(&self.context, trigger);
                if !wait_for(&self.context, awaited, self.phase.ends_ns).await {
                    return self.never_came(round);
                }
                turn
            }
        };
        self.occur(round, begin_at).await;
    }

    fn never_came(&self, occurrence: u64) {
        if !self.context.is_ending() {
            let reason = "what it waited for did not happen in its phase".to_owned();
            self.record(&self.name(occurrence), FaultChange::Skipped { reason });
        }
    }

    fn name(&self, occurrence: u64) -> String {
        format!("{}#{occurrence}", self.spec.place)
    }

    /// One occurrence, from its time to its heal; none when it could not happen.
    async fn occur(&self, occurrence: u64, begin_at: i64) -> Option<Occurred> {
        self.context.sleep_until(begin_at.min(self.phase.ends_ns)).await;
        let name = self.name(occurrence);
        if self.over() {
            return None;
        }
        let placed = match self.find(occurrence, &name).await {
            Ok(placed) => placed,
            Err(reason) => {
                self.record(&name, FaultChange::Skipped { reason });
                return None;
            }
        };
        let began = self.context.clock.now_ns();
        self.inject(&name, &placed).await;
        self.context.release(&name);
        let ended = self.context.clock.now_ns();
        Some(Occurred { began: self.offset(began), ended: self.offset(ended) })
    }

    fn offset(&self, time: i64) -> Duration {
        Duration::from_nanos((time - self.phase.began_ns).max(0) as u64)
    }

    fn over(&self) -> bool {
        self.context.is_ending() || self.context.clock.now_ns() >= self.phase.ends_ns
    }

    /// Late targets are found now; a node on which another fault acts that it can't meet is waited for.
    async fn find(&self, occurrence: u64, name: &str) -> Result<Placed, String> {
        loop {
            let found = resolution::find(&self.context, &self.schedule, &self.spec, occurrence);
            let why = match found {
                Ok(placed) if self.context.hold(name, &self.spec, &placed.nodes) => {
                    return Ok(placed);
                }
                Ok(_) => "another fault held its target".to_owned(),
                Err(why) => why,
            };
            if self.over() {
                return Err(why);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn inject(&self, name: &str, placed: &Placed) {
        let fault = ResolvedFault {
            kind: self.spec.kind.clone(),
            nodes: placed.nodes.clone(),
            cuts: placed.links.clone(),
        };
        self.record(
            name,
            FaultChange::Resolved {
                nodes: placed.nodes.clone(),
                links: placed.links.iter().map(|(from, to)| format!("{from} → {to}")).collect(),
                chosen: placed.words.clone(),
            },
        );
        // What ends it counts from before it begins: its own effect may be quick.
        let awaited = match &self.spec.end {
            End::Until { trigger, .. } => Some(Awaited::from_now(&self.context, trigger)),
            _ => None,
        };
        let applied = match acting::inject(&self.context, name, &fault, self.phase.ends_ns).await {
            Ok(applied) => applied,
            Err(error) => return self.failed(name, &fault, &error.to_string()).await,
        };
        let measured = self.context.measured(applied.begun);
        let evidence = applied.evidence;
        self.record(name, FaultChange::Began { measured, evidence: evidence.clone() });
        if self.spec.end == End::AtOnce {
            // What showed that it was done showed that it was over.
            let because = "at once".to_owned();
            return self.record(name, FaultChange::Healed { measured, evidence, because });
        }
        let because = self.wait_for_end(name, measured.latest, awaited).await;
        self.heal(name, &fault, because).await;
    }

    async fn heal(&self, name: &str, fault: &ResolvedFault, because: String) {
        match acting::heal(&self.context, name, fault).await {
            Ok(applied) => {
                let measured: Measured = self.context.measured(applied.begun);
                let evidence = applied.evidence;
                self.record(name, FaultChange::Healed { measured, evidence, because });
            }
            Err(error) => {
                let error = error.to_string();
                self.context.trouble(format!("{name} could not be healed: {error}"));
                self.record(name, FaultChange::Failed { stage: "heal".into(), error });
            }
        }
    }

    /// A fault that was applied by half is healed all the same. Where nothing was applied there is
    /// nothing to heal; the recover phase heals everything, and verifies it, in any case.
    async fn failed(&self, name: &str, fault: &ResolvedFault, error: &str) {
        let (stage, error) = ("inject".into(), error.into());
        self.record(name, FaultChange::Failed { stage, error });
        let _ = acting::heal(&self.context, name, fault).await;
    }

    /// Waits for the end; says why it came. Its time counts from when it was seen to have begun,
    /// however long it took to see all that it does.
    async fn wait_for_end(&self, name: &str, began: i64, awaited: Option<Awaited<'_>>) -> String {
        let lasts = self.schedule.duration(&self.spec, occurrence_of(name));
        let bound = lasts.map_or(i64::MAX, |lasts| began + lasts.as_nanos() as i64);
        let until = bound.min(self.phase.ends_ns);
        if let Some(awaited) = awaited {
            if wait_for(&self.context, awaited, until).await
                && let End::Until { trigger, .. } = &self.spec.end
            {
                return format!("until {trigger}");
            }
        } else {
            self.context.sleep_until(until).await;
        }
        let words = match &self.spec.end {
            _ if self.context.is_interrupted() => "interrupted",
            _ if self.context.is_ending() => "the run ended early",
            End::For(_) => "its time was up",
            End::Until { .. } => "its bound was reached",
            End::AtOnce | End::WithPhase => "its phase ended",
        };
        words.into()
    }

    fn record(&self, name: &str, change: FaultChange) {
        let named = self.spec.remember.as_ref();
        match change {
            FaultChange::Resolved { .. } => {}
            FaultChange::Began { .. } => self.context.named.began(named),
            FaultChange::Healed { .. }
            | FaultChange::Skipped { .. }
            | FaultChange::Failed { .. } => {
                self.context.named.ended(named);
            }
        }
        self.context.bus.fault(&FaultEvent {
            occurrence: name.to_owned(),
            fault: self.spec.name.clone(),
            class: self.spec.kind.class(),
            detail: self.spec.kind.details().join(", "),
            optional: self.spec.optional,
            time: self.context.clock.now_ns(),
            change,
        });
    }
}

fn occurrence_of(name: &str) -> u64 {
    name.rsplit('#').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
