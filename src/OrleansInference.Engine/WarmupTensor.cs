using System.Runtime.InteropServices;

using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine;

/// <summary>Makes the inputs of passes that nobody has asked for.</summary>
internal static class WarmupTensor
{
    /// <param name="input">What it consists of.</param>
    /// <param name="rows">The batch's; null where there is none.</param>
    /// <param name="folder">Where its file lies.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="ArgumentException">The file has not as many elements as it should.</exception>
    public static InferenceTensor Create(WarmupInput input, int? rows, string folder)
    {
        var shape = rows is { } count ? [count, .. input.Dims] : input.Dims;
        if (input.File is { } file)
        {
            var row = File.ReadAllBytes(Path.Combine(folder, file));
            var data = new byte[checked(row.Length * (rows ?? 1))];
            for (var at = 0; at < data.Length; at += row.Length) row.CopyTo(data.AsSpan(at));
            return new(input.Name, input.DataType, shape, data);
        }

        return input.IsRandom ? Random(input.Name, input.DataType, shape) : Zeros(input.Name, input.DataType, shape);
    }

    /// <summary>Zeros, or empty strings.</summary>
    public static InferenceTensor Zeros(string name, DataType dataType, long[] shape)
    {
        TensorShape.TryGetElementCount(shape, out var count);
        var size = dataType == DataType.Bytes ? BytesElements.PrefixSize : dataType.ElementSize();
        return new(name, dataType, shape, new byte[count * size]);
    }

    /// <summary>Numbers from 0 to 1, the same each time; of integers both of them, since they may be places in a short list.</summary>
    public static InferenceTensor Random(string name, DataType dataType, long[] shape)
    {
        var random = new Random(1);
        TensorShape.TryGetElementCount(shape, out var count);
        var data = new byte[count * dataType.ElementSize()];
        for (var rest = data.AsSpan(); !rest.IsEmpty; rest = rest[dataType.ElementSize()..])
        {
            switch (dataType)
            {
                case DataType.Float16:
                    MemoryMarshal.Write(rest, (Half)random.NextSingle());
                    break;
                case DataType.BFloat16:
                    MemoryMarshal.Write(rest, BFloat16.FromSingle(random.NextSingle()));
                    break;
                case DataType.Float32:
                    MemoryMarshal.Write(rest, random.NextSingle());
                    break;
                case DataType.Float64:
                    MemoryMarshal.Write(rest, random.NextDouble());
                    break;
                default:
                    rest[0] = (byte)random.Next(2);
                    break;
            }
        }

        return new(name, dataType, shape, data);
    }
}
