using System.Diagnostics;
using System.Globalization;
using System.Reflection;

using OrleansInference.Engine.Repository;
using OrleansInference.Engine.Torch;

namespace OrleansInference.Engine.Verification;

/// <summary>
/// Loads and runs a new model in a child process first: some archives make libtorch abort the process, which no exception handler sees.
/// The child is this same program, started with <see cref="VerificationCommand.Switch"/>.
/// </summary>
internal sealed class ChildProcessVerifier(TimeProvider time, EngineOptions options) : IModelVerifier, IDisposable
{
    // Each child loads libtorch: as many at once as there are cores, and no more.
    private readonly SemaphoreSlim _slots = new(Math.Max(1, Environment.ProcessorCount));

    public async Task<ModelVerification> VerifyAsync(ModelVersion version, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken);
        try
        {
            return await RunAsync(version, cancellationToken);
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
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        var word = VerificationMessage.NewWord();
        using var child = Process.Start(Command(version))!;
        try
        {
            var output = OutputTail.ReadAsync(child.StandardOutput, either.Token);
            var errors = OutputTail.ReadAsync(child.StandardError, either.Token);
            await TellAsync(child, word);
            await child.WaitForExitAsync(either.Token);
            return child.ExitCode is VerificationCommand.Sound or VerificationCommand.Broken && VerificationMessage.Find(await output, word) is { } said
                ? said
                : ModelVerification.Broken(
                    $"the model ended the process that verified it ({Describe(child.ExitCode)}): {Cause(await errors)}".TrimEnd(' ', ':'));
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return ModelVerification.Broken($"the model was not verified within VerificationTimeout ({limit.TotalSeconds:F0} s)");
        }
        finally
        {
            if (!child.HasExited) child.Kill(entireProcessTree: true);
        }
    }

    private static ProcessStartInfo Command(ModelVersion version)
    {
        var program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // One model at a time needs no heap per core.
        start.Environment["DOTNET_gcServer"] = "0";
        // Under `dotnet program.dll` the process is the host, and the program its first argument.
        if (Path.GetFileNameWithoutExtension(program) == "dotnet") start.ArgumentList.Add(Assembly.GetEntryAssembly()!.Location);
        start.ArgumentList.Add(VerificationCommand.Switch);
        start.ArgumentList.Add(version.ModelFolder);
        start.ArgumentList.Add(version.Id.Version.ToString(CultureInfo.InvariantCulture));
        return start;
    }

    private static async Task TellAsync(Process child, string word)
    {
        try
        {
            await child.StandardInput.WriteLineAsync(word);
            await child.StandardInput.FlushAsync();
        }
        catch (IOException)
        {
            // It has ended before it could read.
        }
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
