namespace OrleansInference;

/// <summary>Time limits of grain calls.</summary>
internal static class GrainTimeouts
{
    /// <summary>
    /// Longer than any deadline a request may have: the deadline, which travels with the request, is what ends it, and the
    /// runtime's own limit of half a minute must not come first.
    /// </summary>
    public const string Inference = "02:00:00";

    /// <summary>Whoever asks waits less than this.</summary>
    public const string Inquiry = "00:00:30";

    /// <summary>Reading, verifying and warming up a model may take as long as its verification may, for each of its versions.</summary>
    public const string Loading = "12:00:00";
}
