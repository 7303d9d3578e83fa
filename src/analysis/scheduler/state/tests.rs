//! The rules of single flight, and who is asked instead of whom.

use tokio::sync::mpsc::error::TryRecvError;
use tokio::time::Instant;

use super::*;

fn ask(state: &SchedulerState, whom: Whom, photo: u32, access: Access, waiter: Option<Waiter>) {
    state.ask(JobRequest {
        photo: PhotoId(photo),
        access,
        whom,
        waiter,
        stale: false,
    });
}

fn list(state: &SchedulerState, photos: impl IntoIterator<Item = u32>) {
    state.ask_listing(&photos.into_iter().collect(), Access::Listed);
}

/// An analyzer inside the program that every access starts.
fn local() -> ProviderQueue {
    ProviderQueue {
        on: Access::Always,
        ..ProviderQueue::default()
    }
}

/// Without servers.
fn alone() -> SchedulerState {
    SchedulerState::new(vec![local()])
}

const LOCAL: QueueId = QueueId(0);
const FIRST: QueueId = QueueId(1);
const SECOND: QueueId = QueueId(2);
const CONTENT: ContentHash = ContentHash([7; 32]);

fn asked(
    state: &SchedulerState,
    photo: u32,
    access: Access,
) -> mpsc::UnboundedReceiver<(PhotoId, AnalysisResult)> {
    let (tell, told) = mpsc::unbounded_channel();
    ask(state, Whom::Local, photo, access, Some(tell));
    told
}

fn duplicate(photo: u32) -> Duplicate {
    Duplicate {
        photo: PhotoId(photo),
        stat: FileStat::default(),
    }
}

#[test]
fn a_running_photo_is_not_queued_again_but_may_be_wanted_more() {
    let state = alone();
    list(&state, [1]);
    assert_eq!(state.take(), taken(1, &[LOCAL]));
    list(&state, [1]);
    let mut told = asked(&state, 1, Access::Asked);
    assert_eq!(
        (
            state.counts(LOCAL).waiting.total(),
            state.counts(LOCAL).running
        ),
        (0, 1)
    );
    state.tell(LOCAL, PhotoId(1), JobOutcome::Copied);
    assert_eq!(told.try_recv(), Ok((PhotoId(1), AnalysisResult::Analyzed)));
    assert_eq!(
        (state.counts(LOCAL).running, state.counts(LOCAL).copies),
        (0, 1)
    );
}

#[test]
fn one_photo_leads_its_content_and_the_others_follow() {
    let state = alone();
    assert!(state.claim(LOCAL, CONTENT, duplicate(1)));
    assert!(!state.claim(LOCAL, CONTENT, duplicate(2)));
    assert!(!state.claim(LOCAL, CONTENT, duplicate(3)));
    assert_eq!(state.release(LOCAL, CONTENT), [duplicate(2), duplicate(3)]);
    assert!(state.claim(LOCAL, CONTENT, duplicate(4)));
}

#[test]
fn stopping_ends_the_waiting_for_what_has_not_started() {
    let state = alone();
    let mut first = asked(&state, 1, Access::Asked);
    let mut second = asked(&state, 2, Access::Asked);
    assert_eq!(state.take(), taken(1, &[LOCAL]));
    state.stop();
    assert_eq!(second.try_recv(), Ok((PhotoId(2), AnalysisResult::Skipped)));
    assert!(first.try_recv().is_err());
    assert_eq!(state.take(), None);
    let mut third = asked(&state, 3, Access::Asked);
    assert_eq!(third.try_recv(), Err(TryRecvError::Disconnected));
    state.tell(LOCAL, PhotoId(1), JobOutcome::Analyzed);
    assert_eq!(first.try_recv(), Ok((PhotoId(1), AnalysisResult::Analyzed)));
}

#[test]
fn what_an_analyzer_has_dealt_with_does_not_go_to_it_again() {
    for outcome in [JobOutcome::Analyzed, declined()] {
        let state = alone();
        asked(&state, 1, Access::Asked);
        work(&state, outcome);
        let mut told = asked(&state, 1, Access::Asked);
        assert_eq!(told.try_recv(), Err(TryRecvError::Disconnected));
        list(&state, [1]);
        assert_eq!(state.counts(LOCAL).waiting.total(), 0);
    }
}

#[test]
fn what_one_analyzer_said_keeps_no_other_from_looking() {
    let state = SchedulerState::new(vec![local(), local(), server(Access::Asked)]);
    ask(&state, Whom::Servers, 7, Access::Asked, None);
    assert_eq!(work(&state, JobOutcome::Analyzed), (SECOND, 7));
    assert!(state.would_start(PhotoId(7), Access::Listed));
    list(&state, [7]);
    assert_eq!(state.take(), taken(7, &[LOCAL, FIRST]));
    state.tell(LOCAL, PhotoId(7), declined());
    state.tell(FIRST, PhotoId(7), JobOutcome::Analyzed);
    assert!(!state.would_start(PhotoId(7), Access::Asked));
    assert!(!state.is_given_up(PhotoId(7)));
}

#[test]
fn a_photo_is_given_up_once_everybody_has_declined() {
    let state = servers(Access::Asked, Access::Asked);
    ask(&state, Whom::Everybody, 7, Access::Asked, None);
    assert_eq!(state.take(), taken(7, &[LOCAL, FIRST]));
    state.tell(LOCAL, PhotoId(7), declined());
    state.tell(FIRST, PhotoId(7), declined());
    assert!(!state.is_given_up(PhotoId(7)));
    assert_eq!(work(&state, declined()), (SECOND, 7));
    assert!(state.is_given_up(PhotoId(7)));
    state.forget(&RoaringBitmap::from_iter([7]));
    assert!(!state.is_given_up(PhotoId(7)));
}

/// A state with two servers, started by these accesses.
fn servers(first: Access, second: Access) -> SchedulerState {
    SchedulerState::new(vec![local(), server(first), server(second)])
}

fn server(on: Access) -> ProviderQueue {
    ProviderQueue {
        on,
        room: Some(2),
        ..ProviderQueue::default()
    }
}

fn taken(photo: u32, queues: &[QueueId]) -> Option<Taken> {
    let (photo, queues) = (PhotoId(photo), queues.to_vec());
    Some(Taken { photo, queues })
}

/// The server that such an access of the seventh photo would start.
fn server_for(state: &SchedulerState, access: Access) -> Option<QueueId> {
    server_for_photo(state, 7, access)
}

fn server_for_photo(state: &SchedulerState, photo: u32, access: Access) -> Option<QueueId> {
    let wanted = state
        .lock()
        .wanted(PhotoId(photo), access, Whom::Servers, false);
    wanted.first().copied()
}

fn declined() -> JobOutcome {
    JobOutcome::Declined {
        refused: true,
        reason: "no".into(),
    }
}

/// Takes what a worker would, and ends it like this.
fn work(state: &SchedulerState, outcome: JobOutcome) -> (QueueId, u32) {
    let Taken { photo, queues } = state.take().unwrap();
    let [queue] = queues[..] else {
        panic!("{queues:?}");
    };
    state.done(queue);
    state.tell(queue, photo, outcome);
    (queue, photo.0)
}

#[test]
fn the_next_server_is_asked_where_one_has_no_answer() {
    let state = servers(Access::Asked, Access::Asked);
    let (tell, mut told) = mpsc::unbounded_channel();
    ask(&state, Whom::Servers, 7, Access::Asked, Some(tell));
    assert_eq!(work(&state, declined()), (FIRST, 7));
    assert!(told.try_recv().is_err());
    assert_eq!(work(&state, JobOutcome::Analyzed), (SECOND, 7));
    assert_eq!(told.try_recv(), Ok((PhotoId(7), AnalysisResult::Analyzed)));
    assert_eq!(server_for(&state, Access::Asked), None);
}

#[test]
fn who_waits_is_told_when_nobody_is_left_to_ask() {
    let state = servers(Access::Asked, Access::Asked);
    let (tell, mut told) = mpsc::unbounded_channel();
    ask(&state, Whom::Servers, 7, Access::Asked, Some(tell));
    work(&state, declined());
    work(&state, declined());
    assert_eq!(
        told.try_recv(),
        Ok((PhotoId(7), AnalysisResult::Refused("no".into())))
    );
}

#[test]
fn a_server_is_started_by_its_access_and_a_better_one_may_follow() {
    let state = servers(Access::Asked, Access::Listed);
    assert_eq!(server_for(&state, Access::Listed), Some(SECOND));
    assert_eq!(server_for(&state, Access::Asked), Some(FIRST));
    ask(&state, Whom::One(SECOND), 7, Access::Listed, None);
    work(&state, JobOutcome::Analyzed);
    assert_eq!(server_for(&state, Access::Listed), None);
    assert_eq!(server_for(&state, Access::Asked), Some(FIRST));
    state.forget(&RoaringBitmap::from_iter([7]));
    assert_eq!(server_for(&state, Access::Listed), Some(SECOND));
}

#[test]
fn the_answer_of_a_server_counts_for_those_that_it_stands_in_for() {
    let check = |[first, second]: [Access; 2], answers: QueueId, expected: Option<QueueId>| {
        let state = servers(first, second);
        ask(&state, Whom::One(answers), 7, Access::Asked, None);
        work(&state, JobOutcome::Analyzed);
        assert_eq!(server_for(&state, Access::Asked), expected);
    };
    let (asked, listed) = (Access::Asked, Access::Listed);
    check([asked, asked], SECOND, None);
    check([listed, asked], SECOND, None);
    check([asked, listed], SECOND, Some(FIRST));
    check([asked, listed], FIRST, None);
    check([listed, asked], FIRST, None);
}

#[test]
fn the_answer_of_the_preferred_server_keeps_a_listing_from_those_behind_it() {
    let state = servers(Access::Asked, Access::Listed);
    ask(&state, Whom::One(FIRST), 7, Access::Asked, None);
    work(&state, JobOutcome::Analyzed);
    assert_eq!(server_for(&state, Access::Listed), None);
}

#[test]
fn what_waits_for_a_server_that_is_down_is_not_sent_to_it_once_another_has_answered() {
    let state = servers(Access::Listed, Access::Listed);
    list(&state, [7]);
    let soon = Instant::now() + std::time::Duration::from_secs(60);
    state.give_up(FIRST, "gone", soon);
    list(&state, [7]);
    assert_eq!(state.take(), taken(7, &[LOCAL, SECOND]));
    state.tell(SECOND, PhotoId(7), JobOutcome::Analyzed);
    assert!(state.recovered(FIRST));
    assert_eq!(state.counts(FIRST).waiting.total(), 0);
}

/// What a server has to do with a photo: its access, what it said (`None`: nothing; else whether it answered), and
/// whether it is down.
type Situation = (Access, Option<bool>, bool);

fn situations() -> Vec<Situation> {
    let mut all = Vec::new();
    for on in [Access::Listed, Access::Asked] {
        for said in [None, Some(true), Some(false)] {
            all.extend([(on, said, false), (on, said, true)]);
        }
    }
    all
}

fn server_in((on, said, is_down): Situation) -> ProviderQueue {
    let mut queue = server(on);
    let soon = Instant::now() + std::time::Duration::from_secs(600);
    queue.down = is_down.then(|| ("gone".to_owned(), soon));
    match said {
        Some(true) => queue.answered.insert(7),
        Some(false) => queue.declined.insert(7),
        None => false,
    };
    queue
}

#[test]
fn of_many_photos_each_goes_where_it_goes_alone() {
    let all = situations();
    let pairs = || all.iter().flat_map(|a| all.iter().map(move |b| (*a, *b)));
    for ((a, b), c) in pairs().flat_map(|pair| all.iter().map(move |c| (pair, *c))) {
        let state = SchedulerState::new([a, b, c].map(server_in).into());
        for access in [Access::Listed, Access::Asked] {
            let photos = RoaringBitmap::from_iter([7]);
            let shares = state.lock().shares(&photos, access).into_iter();
            let to: Vec<_> = shares.filter(|(_, share)| !share.is_empty()).collect();
            let alone = server_for(&state, access).map(|queue| (queue, photos));
            assert_eq!(to, Vec::from_iter(alone), "{access:?}: {a:?} {b:?} {c:?}");
        }
    }
}

#[test]
fn a_server_that_is_down_is_passed_over_and_who_waits_goes_on() {
    let state = servers(Access::Asked, Access::Asked);
    let (tell, mut told) = mpsc::unbounded_channel();
    ask(&state, Whom::Servers, 7, Access::Asked, Some(tell));
    let until = Instant::now() + std::time::Duration::from_secs(60);
    state.give_up(FIRST, "gone", until);
    assert_eq!(server_for_photo(&state, 8, Access::Asked), Some(SECOND));
    assert_eq!(work(&state, JobOutcome::Analyzed), (SECOND, 7));
    assert_eq!(told.try_recv(), Ok((PhotoId(7), AnalysisResult::Analyzed)));
    let (tell, mut told) = mpsc::unbounded_channel();
    ask(&state, Whom::One(SECOND), 9, Access::Asked, Some(tell));
    state.give_up(SECOND, "gone too", until);
    assert_eq!(
        told.try_recv(),
        Ok((PhotoId(9), AnalysisResult::Failed("gone too".into())))
    );
    assert_eq!(server_for_photo(&state, 8, Access::Asked), Some(FIRST));
    assert!(state.recovered(FIRST) && !state.recovered(FIRST));
}

#[test]
fn a_server_that_was_named_is_asked_alone() {
    let state = servers(Access::Asked, Access::Asked);
    let (tell, mut told) = mpsc::unbounded_channel();
    let why = |failure: &str| AnalysisResult::Failed(failure.into());
    ask(
        &state,
        Whom::One(FIRST),
        7,
        Access::Asked,
        Some(tell.clone()),
    );
    assert_eq!(state.take(), taken(7, &[FIRST]));
    assert!(!state.has_another(FIRST, PhotoId(7)));
    state.tell(FIRST, PhotoId(7), JobOutcome::RetryLater("nothing".into()));
    assert_eq!(told.try_recv(), Ok((PhotoId(7), why("nothing"))));
    ask(&state, Whom::One(FIRST), 8, Access::Asked, Some(tell));
    let until = Instant::now() + std::time::Duration::from_secs(60);
    state.give_up(FIRST, "gone", until);
    assert_eq!(told.try_recv(), Ok((PhotoId(8), why("gone"))));
    assert_eq!(state.counts(SECOND).waiting.total(), 0);
}

#[test]
fn no_more_is_made_ready_than_a_server_takes_and_the_rest_is_done_here() {
    let state = servers(Access::Listed, Access::Asked);
    list(&state, 1..=4);
    assert_eq!(state.take(), taken(1, &[LOCAL, FIRST]));
    assert_eq!(state.take(), taken(2, &[LOCAL, FIRST]));
    assert_eq!(state.take(), taken(3, &[LOCAL]));
    ask(&state, Whom::Local, 9, Access::Asked, None);
    state.done(FIRST);
    assert_eq!(state.take(), taken(9, &[LOCAL]));
    assert_eq!(state.take(), taken(3, &[FIRST]));
    assert_eq!(state.take(), taken(4, &[LOCAL]));
}

#[test]
fn a_photo_is_taken_once_for_all_who_wait_for_it() {
    let state = SchedulerState::new(vec![local(), local(), server(Access::Asked)]);
    list(&state, [7, 8]);
    ask(&state, Whom::Everybody, 8, Access::Asked, None);
    assert_eq!(state.take(), taken(8, &[LOCAL, FIRST, SECOND]));
    assert_eq!(state.take(), taken(7, &[LOCAL, FIRST]));
    assert_eq!(state.counts(LOCAL).waiting.total(), 0);
}

#[test]
fn what_is_read_of_a_photo_that_is_another_one_by_then_is_not_learned() {
    let state = alone();
    state.forget(&RoaringBitmap::from_iter([2]));
    asked(&state, 3, Access::Asked);
    work(&state, JobOutcome::Analyzed);
    let known = Known {
        answered: RoaringBitmap::from_iter([1, 2]),
        stale: RoaringBitmap::from_iter([3, 4]),
        declined: RoaringBitmap::new(),
    };
    state.learn(vec![known]);
    assert_eq!(state.known(LOCAL), [3, 1, 0]);
    assert!(state.has_answered(LOCAL, PhotoId(1)) && state.has_answered(LOCAL, PhotoId(3)));
    let missing: Vec<_> = (1..=4)
        .filter(|&photo| state.would_start(PhotoId(photo), Access::Listed))
        .collect();
    assert_eq!(missing, [2, 4]);
}
