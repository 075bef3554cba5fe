using System.Diagnostics;

using OrleansInference.Engine.Batching;
using OrleansInference.Engine.Quarantine;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Quarantine;

public sealed class RunSlotsTests : IDisposable
{
    private static readonly RunSubject Model = new("model", 3, "0123456789abcdef");

    private readonly TemporaryFolder _folder = new();

    private string File => Path.Combine(_folder.Path, "silo.running");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_under_way_is_left()
    {
        var other = Model with { Model = "Modèle" };
        using (var slots = Open(3))
        {
            slots.Enter(0, RunPhase.Load, Model.ToBytes());
            slots.Enter(1, RunPhase.Load, Model.ToBytes());
            slots.Leave(1);
            slots.Enter(2, RunPhase.FirstRun, Model.ToBytes());
            slots.Leave(2);
            slots.Enter(2, RunPhase.LaterRun, other.ToBytes());
        }

        using (var next = Open(1)) Assert.Equal([(RunPhase.Load, Model), (RunPhase.LaterRun, other)], next.Left);
        using var last = RunSlots.Open(File, 1);
        Assert.Empty(last.Left);
    }

    [Fact]
    public void A_shorter_name_leaves_nothing_of_a_longer_one()
    {
        using (var slots = Open(1))
        {
            slots.Enter(0, RunPhase.LaterRun, (Model with { Model = new string('x', 200) }).ToBytes());
            slots.Enter(0, RunPhase.LaterRun, Model.ToBytes());
        }

        using var next = RunSlots.Open(File, 1);
        Assert.Equal([(RunPhase.LaterRun, Model)], next.Left);
    }

    [Fact]
    public void Where_the_process_was_asked_to_end_nothing_is_left()
    {
        using (var slots = Open(1))
        {
            slots.Enter(0, RunPhase.FirstRun, Model.ToBytes());
            slots.SetStopping();
        }

        using (var next = Open(1))
        {
            Assert.Empty(next.Left);
            // Clearing has taken that back.
            next.Enter(0, RunPhase.FirstRun, Model.ToBytes());
        }

        using var last = RunSlots.Open(File, 1);
        Assert.Single(last.Left);
    }

    [Fact]
    public void The_largest_subject_fits_and_a_larger_one_is_not_recorded()
    {
        var room = RunSlots.MaxSubject - Model.ToBytes().Length + Model.Model.Length;
        var largest = Model with { Model = new string('x', room) };
        using (var slots = Open(2))
        {
            Assert.True(new RunRecord(slots, 1, largest).Fits);
            Assert.False(new RunRecord(slots, 1, largest with { Version = 30 }).Fits);
            new RunRecord(slots, 0, largest).Enter(RunPhase.Load);
        }

        using var next = RunSlots.Open(File, 2);
        Assert.Equal([(RunPhase.Load, largest)], next.Left);
    }

    [Fact]
    public void A_file_of_anything_is_taken()
    {
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            var content = new byte[random.Next(5000)];
            random.NextBytes(content);
            // Half of them begin as ours do.
            if (i % 2 == 0) BitConverter.TryWriteBytes(content, 0x3153_494FL);
            System.IO.File.WriteAllBytes(File, content);
            using (var slots = Open(2)) slots.Enter(1, RunPhase.Load, Model.ToBytes());

            using var next = RunSlots.Open(File, 2);
            Assert.Equal([(RunPhase.Load, Model)], next.Left);
        }
    }

    [Fact]
    public void Recording_a_run_allocates_nothing()
    {
        using var slots = Open(1);
        var (one, two) = (new RunRecord(slots, 0, Model), new RunRecord(slots, 0, Model with { Model = "other" }));
        Record(1);
        var before = GC.GetAllocatedBytesForCurrentThread();

        Record(10_000);

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Record(int times)
        {
            for (var i = 0; i < times; i++)
            {
                var record = i % 4 == 0 ? one : two;
                record.Enter(RunPhase.LaterRun);
                record.Leave();
            }
        }
    }

    [Fact]
    public void A_model_is_on_record_while_it_runs_and_its_first_run_is_told_from_later_ones()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Nobody else can read the file there.");
        using var slots = Open(1);
        var script = new PeekingModel(File);
        using var model = new RecordedModel(script, new(slots, 0, Model));

        for (var run = 0; run < 3; run++)
            Assert.ThrowsAny<InferenceException>(() => model.Run([[InferenceTensor.Create("x", new float[1], 1)]]));

        Assert.Equal([(RunPhase.FirstRun, Model), (RunPhase.LaterRun, Model), (RunPhase.LaterRun, Model)], script.Seen);
        Assert.Empty(PeekingModel.Peek(File));
    }

    /// <summary>What a process does that starts.</summary>
    private RunSlots Open(int count)
    {
        var slots = RunSlots.Open(File, count);
        slots.Clear();
        return slots;
    }

    /// <summary>Looks at its own record while it runs, and fails.</summary>
    private sealed class PeekingModel(string file) : IModelInstance
    {
        public List<(RunPhase, RunSubject)> Seen { get; } = [];

        public static IReadOnlyList<(RunPhase, RunSubject)> Peek(string file)
        {
            // Another program knows nothing of the lock.
            using (var copy = Process.Start("cp", [file, file + ".copy"])) copy.WaitForExit();
            using var slots = RunSlots.Open(file + ".copy", 1);
            return slots.Left;
        }

        public BatchResult Run(IReadOnlyList<InferenceTensor[]> items)
        {
            Seen.AddRange(Peek(file));
            throw new InferenceException(InferenceError.ModelFailed, "it fails");
        }

        public void Dispose()
        {
            // There is nothing.
        }
    }
}
