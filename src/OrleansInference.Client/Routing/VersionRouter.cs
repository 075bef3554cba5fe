namespace OrleansInference.Client.Routing;

/// <summary>Chooses among the versions of one model, for requests that name none.</summary>
internal sealed class VersionRouter
{
    /// <summary>
    /// The golden ratio's fraction: its multiples, modulo 1, fall evenly into any part of 0 to 1, so that versions get their shares of
    /// hundreds of requests already, where chance would need tens of thousands (H. Weyl, "Über die Gleichverteilung von Zahlen mod. Eins", 1916).
    /// </summary>
    private const double GoldenFraction = 0.6180339887498949;

    private readonly IReadOnlyList<PublishedModel> _versions;
    private readonly List<(PublishedModel Model, double Bound)> _weighted = [];
    private readonly bool _isSticky;
    private readonly ShadowVersion? _shadow;
    private readonly PublishedModel? _shadowModel;
    private readonly double _offset = Random.Shared.NextDouble();
    private int _requests;
    private int _copies;

    /// <param name="versions">All versions of the model, the highest first.</param>
    public VersionRouter(IReadOnlyList<PublishedModel> versions)
    {
        _versions = versions;
        if (versions.Select(version => version.Entry.Descriptor?.Routing).FirstOrDefault(routing => routing is not null) is not { } policy) return;
        _isSticky = policy.StickyParameter is not null;
        var ready = policy.Versions
            .Select(weighted => (Model: Find(weighted.Version), weighted.Weight))
            .Where(weighted => weighted.Model?.Entry.State == ModelState.Ready)
            .ToList();
        var sum = 0.0;
        var total = ready.Sum(weighted => weighted.Weight);
        foreach (var (model, weight) in ready) _weighted.Add((model!, (sum += weight) / total));
        _shadow = policy.Shadow;
        if (_shadow is not null) _shadowModel = Find(_shadow.Version);
    }

    /// <summary>All versions, the highest first.</summary>
    public IReadOnlyList<PublishedModel> Versions => _versions;

    /// <summary>The key that keeps requests together, where the model does that.</summary>
    public string? KeyOf(InferenceRequest request) => _isSticky ? request.RoutingKey : null;

    /// <summary>
    /// The version that is to answer: one of those with weights that are ready, or else the highest ready one, or the highest one where
    /// none is ready.
    /// </summary>
    public PublishedModel Choose(InferenceRequest request)
    {
        if (_weighted.Count == 0) return ChooseHighest();
        var place = KeyOf(request) is { } key ? StableHash.ToFraction(key) : Next(ref _requests);
        foreach (var (model, bound) in _weighted)
        {
            if (place < bound) return model;
        }

        return _weighted[^1].Model;
    }

    /// <summary>The highest ready version, or the highest one where none is ready. A shadow's answers are given to nobody.</summary>
    public PublishedModel ChooseHighest()
    {
        PublishedModel? highest = null;
        for (var i = 0; i < _versions.Count; i++)
        {
            if (ReferenceEquals(_versions[i], _shadowModel)) continue;
            if (_versions[i].Entry.State == ModelState.Ready) return _versions[i];
            highest ??= _versions[i];
        }

        return highest ?? _versions[0];
    }

    public PublishedModel? Find(int version)
    {
        for (var i = 0; i < _versions.Count; i++)
        {
            if (_versions[i].Entry.Id.Version == version) return _versions[i];
        }

        return null;
    }

    /// <summary>The version that is to get a copy of a request; null where none is.</summary>
    /// <param name="request">The request.</param>
    /// <param name="chosen">The version that answers it.</param>
    public PublishedModel? ChooseShadow(InferenceRequest request, PublishedModel chosen)
    {
        if (_shadowModel is null || request.Version is not null || ReferenceEquals(_shadowModel, chosen)) return null;
        return _shadowModel.Entry.State == ModelState.Ready && Next(ref _copies) < _shadow!.Fraction ? _shadowModel : null;
    }

    /// <summary>How far numbers of a shadow's answer may lie apart from those of the answer.</summary>
    public double ShadowTolerance => _shadow?.Tolerance ?? 0;

    private double Next(ref int count)
    {
        var place = _offset + GoldenFraction * (uint)Interlocked.Increment(ref count);
        return place - Math.Floor(place);
    }
}
