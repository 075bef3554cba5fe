using System.Diagnostics;
using System.Globalization;

using Microsoft.Extensions.Time.Testing;

using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Verification;

namespace OrleansInference.Engine.Tests.Verification;

/// <summary>Models that a process should not be asked to run. Of their processes none is left.</summary>
public sealed class VerificationLimitTests
{
    private const string Endless =
        """
          x = INPUT0
          for _0 in range(9223372036854775807):
            x0 = torch.add(x, 1)
            x = x0
          return x
        """;

    private const string Growing =
        """
          kept = [INPUT0]
          for _0 in range(1000000):
            _1 = torch.append(kept, torch.add(torch.ones([65536]), torch.max(INPUT0)))
          return torch.add(INPUT0, torch.sum(kept[-1]))
        """;

    [Fact]
    public async Task A_model_that_hangs_is_ended_when_its_time_is_over()
    {
        var time = new FakeTimeProvider();
        using var repository = new VerifiedRepository();
        var version = repository.AddTorch(Endless);
        using var verifier = new ChildProcessVerifier(time, new());

        var verifying = verifier.VerifyAsync(version, TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromMinutes(2));

        Assert.Equal("the model was not verified within VerificationTimeout (120 s)", (await verifying).Reason);
        await AssertNothingIsLeftAsync(repository);
    }

    [Fact]
    public async Task A_model_that_grows_is_ended_at_the_limit()
    {
        const long Limit = 768 << 20;
        using var repository = new VerifiedRepository();

        var reason = await FailAsync(repository.AddTorch(Growing), Limit);

        Assert.Equal($"the model took more than VerificationMemory ({Limit} bytes)", reason);
        await AssertNothingIsLeftAsync(repository);
    }

    [Fact]
    public async Task A_model_that_asks_for_more_memory_than_it_may_have_does_not_get_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere it is ended only once it uses that memory.");
        const long Limit = 1L << 30;
        using var repository = new VerifiedRepository();

        var reason = await FailAsync(repository.AddTorch("  return torch.add(INPUT0, torch.sum(torch.ones([2000000000])))"), Limit);

        Assert.Contains("8000000000 bytes", reason, StringComparison.Ordinal);
        Assert.Contains($"(VerificationMemory is {Limit} bytes)", reason, StringComparison.Ordinal);
        await AssertNothingIsLeftAsync(repository);
    }

    [Fact]
    public async Task A_model_that_aborts_is_reported_with_what_it_said()
    {
        using var repository = new VerifiedRepository();

        var reason = await FailAsync(repository.AddTorch("  return torch.no_such_operator(INPUT0)"));

        Assert.StartsWith("the model ended the process that verified it (", reason, StringComparison.Ordinal);
        Assert.Contains("no_such_operator", reason, StringComparison.Ordinal);
        await AssertNothingIsLeftAsync(repository);
    }

    [Fact]
    public async Task What_a_process_that_was_ended_has_left_in_the_temporary_folder_is_removed()
    {
        using var repository = new VerifiedRepository();
        var file = $"{Guid.NewGuid():N}.pt";

        Assert.Contains("no_such_operator", await FailAsync(repository.AddAbortingDict(file)), StringComparison.Ordinal);

        Assert.DoesNotContain(Directory.EnumerateDirectories(Path.GetTempPath(), "orleans-inference-*"), folder => File.Exists(Path.Combine(folder, file)));
    }

    [Fact]
    public async Task A_model_that_ends_the_process_as_if_all_were_well_is_not_sound()
    {
        using var repository = new VerifiedRepository(VerificationProgram.Leaving);

        Assert.Equal("the model ended the process that verified it (exit code 0)", await FailAsync(repository.AddTorch("  return INPUT0")));
        await AssertNothingIsLeftAsync(repository);
    }

    [Fact]
    public async Task A_model_that_prints_megabytes_is_sound()
    {
        using var repository = new VerifiedRepository();

        var verification = await VerifyAsync(repository.AddTorch(
            """
              for _0 in range(50000):
                print("sound 1 and much more that nobody has asked for")
              return INPUT0
            """));

        Assert.Null(verification.Reason);
        Assert.True(verification.MemoryBytes > 0);
    }

    [Fact]
    public async Task What_a_model_leaves_running_is_ended()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no process groups.");
        using var repository = new VerifiedRepository(VerificationProgram.Forking);

        Assert.Null((await VerifyAsync(repository.AddTorch("  return INPUT0"))).Reason);
        await AssertNothingIsLeftAsync(repository);
    }

    [Fact]
    public async Task Whoever_gives_up_leaves_no_process()
    {
        using var repository = new VerifiedRepository();
        var version = repository.AddTorch(Endless);
        using var verifier = new ChildProcessVerifier(TimeProvider.System, new());
        using var givenUp = new CancellationTokenSource();

        var verifying = verifier.VerifyAsync(version, givenUp.Token);
        await givenUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => verifying);
        await AssertNothingIsLeftAsync(repository);
    }

    [Fact]
    public async Task A_verifying_process_ends_with_the_one_that_has_started_it()
    {
        using var repository = new VerifiedRepository();
        repository.AddTorch(Endless);
        var start = new ProcessStartInfo(Environment.ProcessPath!, [VerificationCommand.Switch, repository.ModelFolder, "1"])
        {
            RedirectStandardInput = true,
        };
        using var child = Process.Start(start)!;
        await child.StandardInput.WriteLineAsync("word 4000000000");

        child.StandardInput.Close();

        await EndAsync(child);
        // Killed: whatever it is about, it cannot stand in the way.
        if (!OperatingSystem.IsWindows()) Assert.Equal(128 + 9, child.ExitCode);
        await AssertNothingIsLeftAsync(repository);
    }

    private static async Task<string> FailAsync(ModelVersion version, long memory = 0)
    {
        var verification = await VerifyAsync(version, memory);
        Assert.Equal(0, verification.MemoryBytes);
        Assert.NotNull(verification.Reason);
        return verification.Reason;
    }

    private static async Task<ModelVerification> VerifyAsync(ModelVersion version, long memory = 0)
    {
        using var verifier = new ChildProcessVerifier(TimeProvider.System, new() { VerificationMemory = memory });
        return await verifier.VerifyAsync(version, TestContext.Current.CancellationToken);
    }

    /// <summary>Processes that have been killed may still be about to end.</summary>
    private static async Task AssertNothingIsLeftAsync(VerifiedRepository repository)
    {
        if (!OperatingSystem.IsLinux()) return;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            try
            {
                var isProcess = int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id);
                if (!isProcess || !File.ReadAllText($"{folder}/cmdline").Contains(repository.ModelFolder, StringComparison.Ordinal)) continue;
                using var process = Process.GetProcessById(id);
                await EndAsync(process);
            }
            catch (Exception exception) when (exception is IOException or ArgumentException)
            {
                // It has ended meanwhile.
            }
        }
    }

    private static Task EndAsync(Process process) =>
        process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
}
