using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace OrleansInference.Engine.Repository;

/// <summary>
/// Has the repository look for changes: when the file system tells of one, and every so often, since it need not tell: not over a
/// network, and not of more folders than it has watches for.
/// </summary>
internal sealed class RepositoryWatcher(FileModelRepository repository, EngineOptions options, TimeProvider time, ILogger<RepositoryWatcher> logger)
    : BackgroundService
{
    /// <summary>Files that change all the time do not keep a silo busy with looking at them.</summary>
    private static readonly TimeSpan Gap = TimeSpan.FromMilliseconds(200);

    private HashSet<(ModelId Model, string Reason)> _told = [];
    private TaskCompletionSource _signalled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        TellOfBroken();
        if (options.ModelControlMode is not (ModelControlMode.Watch or ModelControlMode.Poll)) return;
        var watchers = options.ModelControlMode == ModelControlMode.Watch ? options.Models.Select(TryWatch).ToList() : [];
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                var signalled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                Volatile.Write(ref _signalled, signalled);
                var isChanging = await Task.Run(Scan, stoppingToken);
                await Task.Delay(isChanging ? FileModelRepository.SettleTime : Gap, time, stoppingToken);
                if (!isChanging) await signalled.Task.WaitAsync(options.PollInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo stops.
        }
        finally
        {
            foreach (var watcher in watchers) watcher?.Dispose();
        }
    }

    private bool Scan()
    {
        try
        {
            var isChanging = repository.Scan();
            TellOfBroken();
            return isChanging;
        }
        catch (Exception exception)
        {
            // Whatever is wrong with the folders, it is looked at again.
            Log.ScanFailed(logger, exception);
            return false;
        }
    }

    /// <summary>Logs what cannot be served, once for each reason.</summary>
    private void TellOfBroken()
    {
        var broken = repository.Publications
            .Where(publication => publication.Reason.Length > 0 && publication.Reason != FileModelRepository.BeingWritten)
            .Select(publication => (publication.Id, publication.Reason)).ToHashSet();
        foreach (var (model, reason) in broken.Except(_told)) Log.ModelBroken(logger, model, reason);
        _told = broken;
    }

    private FileSystemWatcher? TryWatch(string folder)
    {
        try
        {
            var watcher = new FileSystemWatcher(folder)
            {
                IncludeSubdirectories = true,
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite | NotifyFilters.Size,
            };
            watcher.Changed += (_, _) => Signal();
            watcher.Created += (_, _) => Signal();
            watcher.Deleted += (_, _) => Signal();
            watcher.Renamed += (_, _) => Signal();
            watcher.Error += (_, error) =>
            {
                Log.WatchFailed(logger, error.GetException(), folder, options.PollInterval.TotalSeconds);
                Signal();
            };
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            Log.WatchFailed(logger, exception, folder, options.PollInterval.TotalSeconds);
            return null;
        }
    }

    private void Signal() => Volatile.Read(ref _signalled).TrySetResult();
}
