namespace OrleansInference.Engine.Torch;

/// <summary>What <c>forward</c> takes and returns, as an archive's source declares it.</summary>
/// <param name="Self">The name of the module in its own method.</param>
/// <param name="Arguments">The arguments behind that, in order.</param>
/// <param name="Returns">What it returns, in TorchScript's words; empty where that is not told.</param>
internal sealed record ForwardSchema(string Self, IReadOnlyList<ForwardArgument> Arguments, string Returns)
{
    private const string TupleStart = "Tuple[";

    /// <summary>Tuples within tuples: a file must not decide how deep the stack gets.</summary>
    private const int MaxDepth = 16;

    public bool ReturnsDict => Returns == "Dict[str, Tensor]";

    /// <summary>How many tensors it returns; null where the type does not tell.</summary>
    public int? OutputCount => CountTensors(Returns, 0);

    /// <summary>The arguments as messages show them.</summary>
    public string Takes => $"({string.Join(", ", Arguments)})";

    /// <summary>Reads the source from behind <c>def forward(</c> to the colon before the method's body.</summary>
    /// <returns>Null where it is written as this reader does not expect.</returns>
    public static ForwardSchema? Parse(ReadOnlySpan<char> source)
    {
        if (SourceText.Split(source, ')', out var end) is not [var self, .. var arguments]) return null;
        var parsed = new List<ForwardArgument>();
        foreach (var argument in arguments)
        {
            if (ParseArgument(argument) is not { } next) return null;
            parsed.Add(next);
        }

        var rest = source[(end + 1)..].TrimStart();
        var returns = "";
        if (rest.StartsWith("->"))
        {
            rest = rest[2..];
            if (SourceText.Find(rest, ':') is not (>= 0 and var colon)) return null;
            returns = SourceText.Flatten(rest[..colon]);
        }

        return new(NameOf(self), parsed, returns);
    }

    private static ForwardArgument? ParseArgument(string text)
    {
        var equals = SourceText.Find(text, '=');
        var value = equals < 0 ? null : text[(equals + 1)..].Trim();
        var declared = equals < 0 ? text : text[..equals];
        var colon = declared.IndexOf(':', StringComparison.Ordinal);
        var name = NameOf(declared);
        // What has no type is a tensor.
        return name.Length > 0 && name.All(letter => char.IsLetterOrDigit(letter) || letter == '_')
            ? new(name, colon < 0 ? "Tensor" : SourceText.Flatten(declared.AsSpan(colon + 1)), value)
            : null;
    }

    private static string NameOf(string declared)
    {
        var colon = declared.IndexOf(':', StringComparison.Ordinal);
        return (colon < 0 ? declared : declared[..colon]).Trim();
    }

    private static int? CountTensors(string type, int depth)
    {
        if (type == "Tensor") return 1;
        if (depth == MaxDepth || !type.StartsWith(TupleStart, StringComparison.Ordinal) || !type.EndsWith(']')) return null;
        var count = 0;
        foreach (var element in SourceText.Split(type.AsSpan(TupleStart.Length), ']', out _) ?? [])
        {
            if (CountTensors(element, depth + 1) is not { } more) return null;
            count += more;
        }

        return count;
    }
}
