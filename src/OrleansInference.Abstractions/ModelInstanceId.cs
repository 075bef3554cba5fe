using System.Globalization;

namespace OrleansInference;

/// <summary>A model version on one device: the identity of an <see cref="IModelGrain"/>.</summary>
/// <param name="Model">The model version.</param>
/// <param name="Device">The device's name, unique in the cluster: <c>node1.cpu:0</c>.</param>
[GenerateSerializer, Immutable, Alias("OrleansInference.ModelInstanceId")]
public readonly record struct ModelInstanceId([property: Id(0)] ModelId Model, [property: Id(1)] string Device)
{
    /// <summary>The device's kind and index, without its silo: <c>cpu:0</c>.</summary>
    public string KindAndIndex => KindAndIndexOf(Device);

    /// <summary>The silo that owns a device.</summary>
    public static string SiloOf(string device) => device[..Math.Max(device.LastIndexOf('.'), 0)];

    /// <summary>A device's kind and index, without its silo, whose name may have dots in it.</summary>
    public static string KindAndIndexOf(string device) => device[(device.LastIndexOf('.') + 1)..];

    /// <summary>The grain key: <c>name@version/device</c>. Neither names nor devices contain <c>@</c> or <c>/</c>.</summary>
    public override string ToString() => $"{Model}/{Device}";

    /// <summary>Reads a grain key.</summary>
    /// <exception cref="FormatException">The key is not of that form.</exception>
    public static ModelInstanceId Parse(string key)
    {
        var at = key.IndexOf('@', StringComparison.Ordinal);
        var slash = key.LastIndexOf('/');
        if (at <= 0 || slash <= at + 1 || slash == key.Length - 1 ||
            !int.TryParse(key.AsSpan(at + 1, slash - at - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var version))
        {
            throw new FormatException($"'{key}' is no model instance: expected 'name@version/device'.");
        }

        return new(new(key[..at], version), key[(slash + 1)..]);
    }
}
