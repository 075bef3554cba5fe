using System.Globalization;

using OrleansInference.Tensors;

namespace OrleansInference.Engine.Torch;

/// <summary>An argument of <c>forward</c>, as an archive's source declares it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type in TorchScript's words.</param>
/// <param name="Default">The source of its default; null where it has none.</param>
internal sealed record ForwardArgument(string Name, string Type, string? Default)
{
    private const string OptionalPrefix = "Optional[";

    private static readonly DataType[] Integers = [DataType.Int8, DataType.Int16, DataType.Int32, DataType.Int64, DataType.UInt8];
    private static readonly DataType[] Floats = [DataType.Float16, DataType.BFloat16, DataType.Float32, DataType.Float64];

    /// <summary>What is passed; null where it is what no input can be.</summary>
    public ArgumentKind? Kind => Essence switch
    {
        "Tensor" or "Any" => ArgumentKind.Tensor,
        "int" => ArgumentKind.Integer,
        "float" => ArgumentKind.Float,
        "bool" => ArgumentKind.Boolean,
        _ => null,
    };

    public bool IsRequired => Default is null && !IsOptional;

    /// <summary>The datatypes of which an input may be; null where all are right.</summary>
    public IReadOnlyList<DataType>? DataTypes => Kind switch
    {
        ArgumentKind.Integer => Integers,
        ArgumentKind.Float => Floats,
        ArgumentKind.Boolean => [DataType.Bool],
        _ => null,
    };

    /// <summary>The datatype that one would declare first; of a tensor it is a guess.</summary>
    public DataType UsualDataType => Kind switch
    {
        ArgumentKind.Integer => DataType.Int64,
        ArgumentKind.Boolean => DataType.Bool,
        _ => DataType.Float32,
    };

    private bool IsOptional => Type.StartsWith(OptionalPrefix, StringComparison.Ordinal) && Type.EndsWith(']');

    private string Essence => IsOptional ? Type[OptionalPrefix.Length..^1] : Type;

    /// <summary>What is passed where nothing is declared.</summary>
    /// <returns>False where it can only be left out.</returns>
    public bool TryGetDefault(out object? value)
    {
        value = Default switch
        {
            "True" => true,
            "False" => false,
            _ when Kind == ArgumentKind.Integer && long.TryParse(Default, NumberStyles.Integer, CultureInfo.InvariantCulture, out var whole) => whole,
            _ when Kind == ArgumentKind.Float && double.TryParse(Default, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
            _ => null,
        };
        return value is not null || Default is null or "None";
    }

    public override string ToString() => Default is null ? $"{Name}: {Type}" : $"{Name}: {Type}={Default}";
}

/// <summary>What TorchSharp hands to an argument.</summary>
internal enum ArgumentKind
{
    Tensor,
    Integer,
    Float,
    Boolean,
}
