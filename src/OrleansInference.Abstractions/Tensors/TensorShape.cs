namespace OrleansInference.Tensors;

/// <summary>Arithmetic on shapes. A shape is a list of dimensions; in a signature a dimension of -1 stands for any size.</summary>
public static class TensorShape
{
    /// <summary>The number of elements, 1 for a scalar's empty shape.</summary>
    /// <returns>False where a dimension is negative or the product does not fit in 64 bits.</returns>
    public static bool TryGetElementCount(ReadOnlySpan<long> shape, out long count)
    {
        count = 1;
        var hasZero = false;
        foreach (var dimension in shape)
        {
            if (dimension < 0) return false;
            if (dimension == 0) hasZero = true;
            else if (count > long.MaxValue / dimension) return false;
            else count *= dimension;
        }

        if (hasZero) count = 0;
        return true;
    }

    /// <summary>Whether a concrete shape fits an expected one, in which -1 admits any size.</summary>
    public static bool Matches(ReadOnlySpan<long> expected, ReadOnlySpan<long> actual)
    {
        if (expected.Length != actual.Length) return false;
        for (var i = 0; i < expected.Length; i++)
        {
            if (expected[i] >= 0 && expected[i] != actual[i]) return false;
        }

        return true;
    }

    /// <summary>The shape as error messages show it: <c>[1,28,28]</c>.</summary>
    public static string Format(ReadOnlySpan<long> shape)
    {
        var dimensions = new string[shape.Length];
        for (var i = 0; i < shape.Length; i++) dimensions[i] = shape[i].ToString(System.Globalization.CultureInfo.InvariantCulture);
        return $"[{string.Join(',', dimensions)}]";
    }
}
