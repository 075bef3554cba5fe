namespace OrleansInference.Engine.Quarantine;

/// <summary>Where one model on one device says that it is loaded or runs.</summary>
internal sealed class RunRecord(RunSlots slots, int slot, RunSubject subject)
{
    private readonly byte[] _subject = subject.ToBytes();

    /// <summary>Whether the slot has room for it. Names of folders are never that long.</summary>
    public bool Fits => _subject.Length <= RunSlots.MaxSubject;

    public void Enter(RunPhase phase) => slots.Enter(slot, phase, _subject);

    public void Leave() => slots.Leave(slot);
}
