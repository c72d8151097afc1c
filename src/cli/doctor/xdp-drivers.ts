/**
 * First kernel whose driver takes native XDP, from the kernel's own history. A driver that is not here may have learned it since;
 * only attaching tells for sure, and `mode: auto` tries.
 */
export const nativeXdpSince: Readonly<Record<string, string>> = {
  bnxt_en: '4.11',
  bonding: '5.15',
  cpsw: '5.3',
  dpaa2_eth: '5.0',
  ena: '5.6',
  fec: '6.2',
  fsl_dpaa: '5.11',
  fsl_dpaa2_eth: '5.0',
  fsl_enetc: '5.13',
  gve: '6.4',
  hv_netvsc: '5.6',
  i40e: '4.13',
  ice: '5.5',
  igb: '5.10',
  igc: '5.13',
  ixgbe: '4.12',
  ixgbevf: '4.17',
  mana: '5.17',
  mlx4_en: '4.8',
  mlx5_core: '4.9',
  mvneta: '5.5',
  mvpp2: '5.9',
  netdevsim: '4.16',
  nfp: '4.10',
  nicvf: '4.12',
  qede: '4.10',
  sfc: '5.5',
  st_gmac: '5.13',
  stmmac: '5.13',
  tun: '4.14',
  veth: '4.19',
  virtio_net: '4.10',
  vmxnet3: '6.6',
  'xen-netfront': '5.9',
  vif: '5.9',
}

/** Longest MTU that fits one page with the headroom of XDP and `skb_shared_info`, bytes: 4096 - 256 - 14 - 320. */
export const LONGEST_MTU = 3506
