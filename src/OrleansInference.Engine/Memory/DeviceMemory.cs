namespace OrleansInference.Engine.Memory;

/// <summary>
/// Shares out a device's memory among the models on it. Where there is no room for one more, the model leaves that has not been asked for
/// the longest time; those that are being asked, and those that are to stay, do not.
/// </summary>
/// <param name="device">The device's name.</param>
/// <param name="budget">The bytes that models may take; 0 for as many as they need.</param>
/// <param name="time">The clock.</param>
internal sealed class DeviceMemory(string device, long budget, TimeProvider time)
{
    /// <summary>How long a model waits for others to become idle.</summary>
    public static readonly TimeSpan WaitLimit = TimeSpan.FromSeconds(20);

    /// <summary>How often it looks whether one has.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(20);

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _turn = new(1);
    private readonly List<Room> _rooms = [];

    /// <summary>The bytes that are taken, by models that are loaded or being loaded.</summary>
    public long Used
    {
        get
        {
            lock (_gate) return _rooms.Sum(room => room.Bytes);
        }
    }

    /// <summary>
    /// Takes room for a model and loads it, one model after the other: room that is taken and not used yet would have models leave that have just
    /// been loaded.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="bytes">What it takes.</param>
    /// <param name="load">Loads it.</param>
    /// <param name="leave">Has the model leave, and ends when it has; null where it stays.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.NotReady"/>: it would not fit even if all left that may; <see cref="InferenceError.QueueFull"/>: these are
    /// busy all the time.
    /// </exception>
    public async Task<LoadedModel> LoadAsync(
        ModelId model, long bytes, Func<Room, Task<LoadedModel>> load, Func<Task>? leave, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var room = await TakeAsync(model, bytes, cancellationToken).ConfigureAwait(false);
            try
            {
                var loaded = await load(room).ConfigureAwait(false);
                room.Occupy(loaded, leave);
                return loaded;
            }
            catch
            {
                room.Dispose();
                throw;
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<Room> TakeAsync(ModelId model, long bytes, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            if (TryTake(model, bytes, out var leaving) is { } room) return room;
            if (leaving is not null && await leaving.EndAsync().ConfigureAwait(false)) continue;
            if (time.GetElapsedTime(started) >= WaitLimit)
                throw new InferenceException(InferenceError.QueueFull, $"{NoRoom(model, bytes)}, and all models there have been busy for {WaitLimit.TotalSeconds:F0} s");
            await Task.Delay(LookInterval, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private Room? TryTake(ModelId model, long bytes, out Room? leaving)
    {
        leaving = null;
        lock (_gate)
        {
            if (budget == 0 || Used + bytes <= budget)
            {
                var room = new Room(this, bytes);
                _rooms.Add(room);
                return room;
            }

            var staying = _rooms.Where(room => room.IsPinned).Sum(room => room.Bytes);
            if (bytes > budget - staying)
            {
                var pinned = staying == 0 ? "" : $", of which models that always stay (min_instances) take {staying}";
                throw new InferenceException(InferenceError.NotReady, $"{NoRoom(model, bytes)}{pinned}");
            }

            leaving = _rooms.Where(room => room.IsIdle).MinBy(room => room.LastUsed);
            leaving?.Leave_NeedsLock();
            return null;
        }
    }

    private string NoRoom(ModelId model, long bytes) =>
        $"there is no room for model '{model.Name}' version {model.Version}: it takes {bytes} bytes, and device {device} has {budget} for models (DeviceMemoryBudget)";

    /// <summary>What one model takes, from before it is loaded until it is disposed.</summary>
    public sealed class Room(DeviceMemory memory, long bytes) : IDisposable
    {
        private LoadedModel? _model;
        private Func<Task>? _leave;
        private bool _isLeaving;

        public long Bytes => bytes;

        /// <summary>Whether the model never leaves for another one's sake.</summary>
        public bool IsPinned => _model is not null && _leave is null;

        public bool IsIdle => _model is { IsIdle: true } && _leave is not null && !_isLeaving;

        public TimeSpan LastUsed => _model!.LastUsed;

        /// <summary>Says which model is in it.</summary>
        public void Occupy(LoadedModel model, Func<Task>? leave)
        {
            lock (memory._gate) (_model, _leave) = (model, leave);
        }

        public void Leave_NeedsLock() => _isLeaving = true;

        /// <summary>Has the model leave.</summary>
        /// <returns>Whether it has: one that has been asked meanwhile may stay.</returns>
        public async Task<bool> EndAsync()
        {
            await _leave!().ConfigureAwait(false);
            lock (memory._gate)
            {
                _isLeaving = false;
                return !memory._rooms.Contains(this);
            }
        }

        public void Dispose()
        {
            lock (memory._gate) memory._rooms.Remove(this);
        }
    }
}
