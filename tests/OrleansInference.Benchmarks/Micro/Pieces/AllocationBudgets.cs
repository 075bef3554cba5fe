namespace OrleansInference.Benchmarks.Micro.Pieces;

/// <summary>
/// The bytes that each hot piece may allocate on the managed heap; its own tensors are in them. A change that costs more breaks a test,
/// and one that saves some lowers the budget.
/// </summary>
internal static class AllocationBudgets
{
    public const int ParseJson784 = 3800;

    public const int FormatJson10 = 100;

    public const int FormatJson784 = 100;

    public const int ReadBinary784 = 3800;

    public const int WriteBinary784 = 160;

    public const int FormBatchOf16 = 3500;

    public const int GatherAndScatter16 = 60_000;

    public const int Serialize3Kilobytes = 4000;

    public const int Serialize600Kilobytes = 604_000;

    public const int CallModelGrain = 1400;

    /// <summary>
    /// One FP32 there and back in the silo program, with all that serves it: the web server, the cluster, the device. Each request is a pass
    /// of its own, unlike those of the comparison.
    /// </summary>
    public const int BinaryIdentityOverHttp = 5000;
}
