namespace OrleansInference.Engine.Batching;

/// <summary>
/// How long a model's forward pass takes on its device: <c>t = a * n + b</c> for n rows, fitted as it runs. Guarded by the device's gate.
/// </summary>
/// <remarks>
/// Recursive least squares with exponential forgetting (K. J. Åström and B. Wittenmark, Adaptive Control, 2nd edition, 1995,
/// section 2.2), kept as weighted means and moments, which for a line are the same estimate and cannot wind up while all batches have
/// one size: the slope that was found before then stays. Neither a nor b is ever negative.
/// </remarks>
internal sealed class LatencyModel
{
    /// <summary>What a pass weighs in the fit when the next one comes: about fifty of them count.</summary>
    private const double Forgetting = 0.98;

    /// <summary>Passes before there is a fit.</summary>
    public const int MinPasses = 8;

    /// <summary>
    /// How many times as long as expected a pass may count: one that took longer met a collection or a busy core. Where it had more rows
    /// than usual, as much time per row as usual is expected at least.
    /// </summary>
    private const double MaxSurprise = 4;

    /// <summary>Below this variance of the batch size there is no slope to be seen.</summary>
    private const double MinVariance = 1e-6;

    /// <summary>What the passes before a pause count beside the first one after it.</summary>
    private const double Remembering = 0.1;

    /// <summary>Where fewer than one in twenty passes had another size, nothing is being learned of larger ones.</summary>
    private const double UniformVariance = 0.05;

    /// <summary>How long a pass says something of the present.</summary>
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    private int _passes;
    private TimeSpan _last;
    private double _weight;
    private double _meanRows;
    private double _meanSeconds;
    private double _squares;
    private double _products;
    private double _secondsPerRow;
    private double _secondsPerPass;

    public bool IsReady => _passes >= MinPasses;

    /// <summary>
    /// Whether the last pass was a moment ago. A model that refused whatever an old fit says would never run, and never learn better.
    /// </summary>
    public bool IsFresh(TimeSpan now) => now - _last <= Freshness;

    /// <summary>Takes in how long a pass has taken.</summary>
    public void Observe(int rows, TimeSpan duration, TimeSpan now)
    {
        var seconds = duration.TotalSeconds;
        if (IsReady && _meanSeconds > 0)
            seconds = Math.Min(seconds, MaxSurprise * Math.Max(Predict(rows).TotalSeconds, _meanSeconds * rows / _meanRows));
        if (IsReady && !IsFresh(now))
        {
            // What made the model slow before the pause may be gone, and while it is refused for that, few passes tell.
            _weight *= Remembering;
            _squares *= Remembering;
            _products *= Remembering;
        }

        _passes = Math.Min(_passes + 1, MinPasses);
        _last = now;

        _weight = (Forgetting * _weight) + 1;
        var rowsOff = rows - _meanRows;
        _meanRows += rowsOff / _weight;
        _meanSeconds += (seconds - _meanSeconds) / _weight;
        _squares = (Forgetting * _squares) + (rowsOff * (rows - _meanRows));
        _products = (Forgetting * _products) + (rowsOff * (seconds - _meanSeconds));
        Fit();
    }

    /// <summary>How long a pass of some rows takes; zero where nothing is known.</summary>
    public TimeSpan Predict(int rows) => IsReady ? TimeSpan.FromSeconds((_secondsPerRow * rows) + _secondsPerPass) : TimeSpan.Zero;

    /// <summary>How long it takes until some rows have run in batches as large as may be.</summary>
    public TimeSpan Predict(int rows, int maxRows)
    {
        var full = (rows - 1) / maxRows;
        return (full * Predict(maxRows)) + Predict(rows - (full * maxRows));
    }

    /// <summary>How many rows a pass may have so as to take no longer than that; at least 1.</summary>
    public int RowsWithin(TimeSpan target)
    {
        if (!IsReady) return int.MaxValue;
        var left = target.TotalSeconds - _secondsPerPass;
        var rows = left <= _secondsPerRow ? 1 : _secondsPerRow == 0 ? int.MaxValue : (int)Math.Min(left / _secondsPerRow, int.MaxValue);
        // A slope that one slow pass has left would keep batches at the size that hides it for ever: now and then one row more is tried.
        var isUniform = _squares < UniformVariance * _weight && _meanSeconds <= target.TotalSeconds;
        return isUniform && rows <= _meanRows ? (int)_meanRows + 1 : rows;
    }

    private void Fit()
    {
        if (_squares > MinVariance * _weight) _secondsPerRow = Math.Max(0, _products / _squares);
        _secondsPerPass = _meanSeconds - (_secondsPerRow * _meanRows);
        if (_secondsPerPass >= 0) return;
        // The best line through the origin.
        _secondsPerRow = (_products + (_weight * _meanRows * _meanSeconds)) / (_squares + (_weight * _meanRows * _meanRows));
        _secondsPerPass = 0;
    }
}
