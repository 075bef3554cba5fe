using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

using Google.Protobuf.Collections;

using Inference;

using OrleansInference.Tensors;

using DataType = OrleansInference.Tensors.DataType;

namespace OrleansInference.AspNetCore.Grpc;

/// <summary>Lays out the elements that a message lists one by one.</summary>
internal static class TypedContents
{
    /// <param name="input">The input, of a shape whose elements can be counted.</param>
    /// <param name="type">Its datatype.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="maxBytes">The most bytes that it may have.</param>
    /// <exception cref="InferenceException"><see cref="InferenceError.InvalidArgument"/> or <see cref="InferenceError.TooLarge"/>.</exception>
    public static ReadOnlyMemory<byte> Pack(ModelInferRequest.Types.InferInputTensor input, DataType type, long[] shape, long maxBytes)
    {
        var contents = input.Contents ?? new();
        CheckFields(input.Name, type, contents);
        var found = CountOf(contents, type);
        TensorShape.TryGetElementCount(shape, out var expected);
        if (found != expected)
        {
            throw new InferenceException(
                InferenceError.InvalidArgument,
                $"unexpected number of elements {found} in {FieldOf(type)} of input '{input.Name}', expected {expected} for shape {TensorShape.Format(shape)}");
        }

        var size = type == DataType.Bytes
            ? contents.BytesContents.Sum(element => (long)BytesElements.PrefixSize + element.Length)
            : found * type.ElementSize();
        if (size > maxBytes)
        {
            throw new InferenceException(
                InferenceError.TooLarge,
                $"input '{input.Name}' of shape {TensorShape.Format(shape)} has {size} bytes, which exceeds what is left of the request's limit, {maxBytes}");
        }

        return type switch
        {
            DataType.Bool => contents.BoolContents.Select(value => value ? (byte)1 : (byte)0).ToArray(),
            DataType.Int8 => Convert<int, sbyte>(input.Name, type, contents.IntContents),
            DataType.Int16 => Convert<int, short>(input.Name, type, contents.IntContents),
            DataType.Int32 => Convert<int, int>(input.Name, type, contents.IntContents),
            DataType.Int64 => Convert<long, long>(input.Name, type, contents.Int64Contents),
            DataType.UInt8 => Convert<uint, byte>(input.Name, type, contents.UintContents),
            DataType.UInt16 => Convert<uint, ushort>(input.Name, type, contents.UintContents),
            DataType.UInt32 => Convert<uint, uint>(input.Name, type, contents.UintContents),
            DataType.UInt64 => Convert<ulong, ulong>(input.Name, type, contents.Uint64Contents),
            DataType.Float32 => Convert<float, float>(input.Name, type, contents.Fp32Contents),
            DataType.Float64 => Convert<double, double>(input.Name, type, contents.Fp64Contents),
            DataType.Bytes => BytesElements.Encode([.. contents.BytesContents.Select(element => element.Memory)]),
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Such elements are not listed one by one."),
        };
    }

    private static byte[] Convert<TFrom, TTo>(string name, DataType type, RepeatedField<TFrom> values)
        where TFrom : unmanaged, INumber<TFrom>
        where TTo : unmanaged, INumber<TTo>
    {
        var bytes = GC.AllocateUninitializedArray<byte>(values.Count * Unsafe.SizeOf<TTo>());
        var elements = MemoryMarshal.Cast<byte, TTo>(bytes.AsSpan());
        var index = 0;
        try
        {
            for (; index < elements.Length; index++) elements[index] = TTo.CreateChecked(values[index]);
        }
        catch (OverflowException)
        {
            throw new InferenceException(
                InferenceError.InvalidArgument, $"element {index} of input '{name}' is {values[index]}, out of the range of {type.ToProtocolName()}");
        }

        return bytes;
    }

    /// <summary>Elements in a field that does not fit the datatype would otherwise be lost without a word.</summary>
    private static void CheckFields(string name, DataType type, InferTensorContents contents)
    {
        var field = FieldOf(type);
        if (field is null)
            throw new InferenceException(InferenceError.InvalidArgument, $"input '{name}' of datatype {type.ToProtocolName()} can only be sent in raw_input_contents");
        if (FilledFields(contents).FirstOrDefault(other => other != field) is { } filled)
        {
            throw new InferenceException(
                InferenceError.InvalidArgument, $"input '{name}' of datatype {type.ToProtocolName()} has elements in {filled}, expected them in {field}");
        }
    }

    private static IEnumerable<string> FilledFields(InferTensorContents contents) =>
        Enum.GetValues<DataType>().Where(type => CountOf(contents, type) > 0).Select(type => FieldOf(type)!);

    private static int CountOf(InferTensorContents contents, DataType type) => type switch
    {
        DataType.Bool => contents.BoolContents.Count,
        DataType.Int8 or DataType.Int16 or DataType.Int32 => contents.IntContents.Count,
        DataType.Int64 => contents.Int64Contents.Count,
        DataType.UInt8 or DataType.UInt16 or DataType.UInt32 => contents.UintContents.Count,
        DataType.UInt64 => contents.Uint64Contents.Count,
        DataType.Float32 => contents.Fp32Contents.Count,
        DataType.Float64 => contents.Fp64Contents.Count,
        DataType.Bytes => contents.BytesContents.Count,
        _ => 0,
    };

    private static string? FieldOf(DataType type) => type switch
    {
        DataType.Bool => "bool_contents",
        DataType.Int8 or DataType.Int16 or DataType.Int32 => "int_contents",
        DataType.Int64 => "int64_contents",
        DataType.UInt8 or DataType.UInt16 or DataType.UInt32 => "uint_contents",
        DataType.UInt64 => "uint64_contents",
        DataType.Float32 => "fp32_contents",
        DataType.Float64 => "fp64_contents",
        DataType.Bytes => "bytes_contents",
        _ => null,
    };
}
