using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;

using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Torch;

namespace OrleansInference.Engine.Verification;

/// <summary>
/// Loads and runs a new model in a child process first, with limits of time and memory: some archives make libtorch abort the process, which
/// no exception handler sees. The child is this same program, started with <see cref="VerificationCommand.Switch"/>.
/// </summary>
internal sealed class ChildProcessVerifier(TimeProvider time, EngineOptions options) : IModelVerifier, IDisposable
{
    /// <summary>What the runtimes say when memory cannot be had.</summary>
    private static readonly string[] OutOfMemory = ["allocate memory", "bad_alloc", "OutOfMemoryException"];

    // Each child loads libtorch: as many at once as there are cores, and no more.
    private readonly SemaphoreSlim _slots = new(Math.Max(1, Environment.ProcessorCount));

    private readonly long _memory =
        options.VerificationMemory > 0 ? options.VerificationMemory : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;

    public async Task<ModelVerification> VerifyAsync(ModelVersion version, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken);
        try
        {
            return await RunAsync(version, cancellationToken);
        }
        catch (Win32Exception exception)
        {
            return ModelVerification.Broken($"the process that verifies the model cannot be started: {exception.Message}");
        }
        finally
        {
            _slots.Release();
        }
    }

    public void Dispose() => _slots.Dispose();

    private async Task<ModelVerification> RunAsync(ModelVersion version, CancellationToken cancellationToken)
    {
        var limit = options.VerificationTimeout;
        using var timeout = new CancellationTokenSource(limit, time);
        using var exceeded = new CancellationTokenSource();
        using var any = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, exceeded.Token, cancellationToken);
        var word = VerificationMessage.NewWord();
        using var scratch = ScratchFolder.TryCreate();
        using var child = Process.Start(Command(version, scratch))!;
        try
        {
            await using var watch = new MemoryWatch(child.Id, _memory, time, exceeded.Cancel);
            var output = OutputTail.ReadAsync(child.StandardOutput, any.Token);
            var errors = OutputTail.ReadAsync(child.StandardError, any.Token);
            await TellAsync(child, word);
            await child.WaitForExitAsync(any.Token);
            // What it may have left behind would keep its output open.
            ProcessLimits.EndGroup(child);
            return Judge(child.ExitCode, await output, await errors, word);
        }
        catch (OperationCanceledException) when (exceeded.IsCancellationRequested)
        {
            return ModelVerification.Broken($"the model took more than VerificationMemory ({_memory} bytes)");
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return ModelVerification.Broken($"the model was not verified within VerificationTimeout ({limit.TotalSeconds:F0} s)");
        }
        finally
        {
            ProcessLimits.EndGroup(child);
        }
    }

    private static ProcessStartInfo Command(ModelVersion version, ScratchFolder? scratch)
    {
        var program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // One model at a time needs no heap per core, and nobody looks into it.
        start.Environment["DOTNET_gcServer"] = "0";
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        scratch?.Hand(start.Environment);
        // Under `dotnet program.dll` the process is the host, and the program its first argument.
        if (Path.GetFileNameWithoutExtension(program) == "dotnet") start.ArgumentList.Add(Assembly.GetEntryAssembly()!.Location);
        start.ArgumentList.Add(VerificationCommand.Switch);
        start.ArgumentList.Add(version.ModelFolder);
        start.ArgumentList.Add(version.Id.Version.ToString(CultureInfo.InvariantCulture));
        return start;
    }

    /// <summary>Tells the child what it needs, and leaves its input open: it ends where that is closed.</summary>
    private async Task TellAsync(Process child, string word)
    {
        try
        {
            await child.StandardInput.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{word} {_memory}"));
            await child.StandardInput.FlushAsync();
        }
        catch (IOException)
        {
            // It has ended before it could read.
        }
    }

    private ModelVerification Judge(int exitCode, string output, string errors, string word)
    {
        var verification = exitCode is VerificationCommand.Sound or VerificationCommand.Broken
            ? VerificationMessage.Find(output, word)
            : null;
        verification ??= ModelVerification.Broken(
            $"the model ended the process that verified it ({Describe(exitCode)}): {Cause(errors)}".TrimEnd(' ', ':'));
        return verification.Reason is { } reason && OutOfMemory.Any(text => reason.Contains(text, StringComparison.Ordinal))
            ? verification with { Reason = $"{reason} (VerificationMemory is {_memory} bytes)" }
            : verification;
    }

    private static string Describe(int exitCode) =>
        exitCode > 128 ? $"signal {exitCode - 128}" : string.Create(CultureInfo.InvariantCulture, $"exit code {exitCode}");

    /// <summary>What the native library said last: what stands behind <c>what():</c>, up to the first empty line or its call stack.</summary>
    private static string Cause(string errors)
    {
        const string Marker = "what():";
        var all = errors.TrimEnd().Split('\n');
        var lines = all.SkipWhile(line => !line.Contains(Marker, StringComparison.Ordinal)).DefaultIfEmpty(all[^1]);
        var said = lines
            .Select(line => line.Replace(Marker, "", StringComparison.Ordinal).Trim())
            .SkipWhile(line => line.Length == 0)
            .TakeWhile(line => line.Length > 0)
            .Take(3);
        return TorchRuntime.FirstLine(string.Join(' ', said)).TrimEnd(' ', ':', '(');
    }
}
