using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace OrleansInference.Tests.Shared.Programs;

/// <summary>A program as a process of its own, with all that it prints. Killed at the end where it has not ended by itself.</summary>
internal sealed partial class ChildProgram : IDisposable
{
    private const int SignalTerminate = 15;

    // These two have other numbers on macOS than on Linux.
    private static readonly int SignalStop = OperatingSystem.IsMacOS() ? 17 : 19;
    private static readonly int SignalContinue = OperatingSystem.IsMacOS() ? 19 : 18;

    private readonly TemporaryFolder _data = new();
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private bool _disposed;

    private ChildProgram(string program, IEnumerable<KeyValuePair<string, string>> environment, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        // The programs' own settings, whatever this process was started with.
        foreach (var name in start.Environment.Keys.Where(IsSetting).ToList()) start.Environment.Remove(name);
        // Programs that run at the same time keep nothing in the same place.
        start.Environment["Inference__Data"] = _data.Path;
        foreach (var (name, value) in environment) start.Environment[name] = value;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Append(_errors, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited => _disposed || _process.HasExited;

    public string Output => Read(_output);

    public string Errors => Read(_errors);

    /// <summary>The most memory that the process has held so far, in bytes.</summary>
    public long PeakMemory
    {
        get
        {
            _process.Refresh();
            return _process.PeakWorkingSet64;
        }
    }

    /// <summary>The time that the process has spent on processors so far.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public static ChildProgram Start(string program, params IEnumerable<string> arguments) => new(program, [], arguments);

    /// <param name="program">The program's file.</param>
    /// <param name="environment">Variables beside those of this process.</param>
    /// <param name="arguments">Its arguments.</param>
    public static ChildProgram Start(string program, IEnumerable<KeyValuePair<string, string>> environment, IEnumerable<string> arguments) =>
        new(program, environment, arguments);

    /// <summary>Waits for the program to end by itself.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> WaitAsync()
    {
        using var limit = new CancellationTokenSource(Poll.Limit, TimeProvider.System);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The program has not ended. {Describe()}");
        }

        return _process.ExitCode;
    }

    /// <summary>Asks the program to end, as a service manager does.</summary>
    public void Terminate() => Send(SignalTerminate);

    /// <summary>Stops the program where it is, as if its machine hung: its connections stay open, and nobody answers.</summary>
    public void Pause() => Send(SignalStop);

    /// <summary>Lets a paused program go on.</summary>
    public void Resume() => Send(SignalContinue);

    /// <summary>Ends the program at once, without its knowledge, as a crash does.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Ends the program, in an orderly way where the platform has one; it must then exit with 0.</summary>
    public async Task StopAsync()
    {
        if (!HasExited && !OperatingSystem.IsWindows())
        {
            Terminate();
            var code = await WaitAsync();
            if (code != 0) throw new InvalidOperationException($"Exit code {code}. {Describe()}");
        }

        Dispose();
    }

    public void Dispose()
    {
        if (_disposed) return;
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _data.Dispose();
        _disposed = true;
    }

    public string Describe() => $"It printed:\n{Output}\nand, as errors:\n{Errors}";

    private void Send(int signal)
    {
        if (Kill(_process.Id, signal) != 0) throw new InvalidOperationException($"Process {_process.Id} cannot be signalled.");
    }

    private static bool IsSetting(string variable) =>
        variable.StartsWith("ASPNETCORE_", StringComparison.OrdinalIgnoreCase) ||
        variable.StartsWith("DOTNET_ENVIRONMENT", StringComparison.OrdinalIgnoreCase) ||
        variable.StartsWith("Inference__", StringComparison.OrdinalIgnoreCase) ||
        variable.StartsWith("Orleans__", StringComparison.OrdinalIgnoreCase);

    private static void Append(StringBuilder text, string? line)
    {
        lock (text) text.AppendLine(line);
    }

    private static string Read(StringBuilder text)
    {
        lock (text) return text.ToString();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
